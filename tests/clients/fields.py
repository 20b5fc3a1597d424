"""What a recorded request says, field by field, without what differs from run to run; and how clients differ in it."""

import json
import re
from dataclasses import dataclass

from clients.recording import TARGET_HEADER
from emulated_fal import KEY

STEPS = {
    "begin upload": re.compile(r"POST /storage/upload/initiate"),
    "upload": re.compile(r"PUT /signed/.*"),
    "submit": re.compile(r"POST /fal-ai/.*"),
    "status": re.compile(r"GET /fal-ai/.*/status"),
    "result": re.compile(r"GET /fal-ai/.*/requests/[^/]*"),
    "cancel": re.compile(r"PUT /fal-ai/.*/cancel"),
}
ABSENT = "-"
_UNSTABLE = re.compile(
    rf"(?P<key>{KEY})|(?P<id>[0-9a-f]{{8}}-[0-9a-f-]{{27}}|[0-9a-f]{{32}})|(?P<url>https?://127[^\s\"]*)"
    r"|(?P<version>\d+\.\d+\.\d+)"
)


@dataclass(frozen=True)
class Difference:
    """A field in which not all three clients agree, in these steps alike."""

    steps: str
    field: str
    python: str
    javascript: str
    ours: str


def fields_of(recorded):
    """`{step: {field: value}}` of the first request of each step."""
    found = {}
    for step, pattern in STEPS.items():
        request = next(one for one in recorded if pattern.fullmatch(f"{one.method} {one.path}"))
        found[step] = {name: _stable(value) for name, value in _fields(request).items()}
    return found


def differences(python, javascript, ours):
    """Every field in which the clients differ. Steps in which they differ alike stand together."""
    steps_of = {}
    for step in STEPS:
        clients = (python[step], javascript[step], ours[step])
        for field in sorted({name for fields in clients for name in fields}):
            values = tuple(fields.get(field, ABSENT) for fields in clients)
            if len(set(values)) > 1:
                steps_of.setdefault((field, *values), []).append(step)
    return {
        Difference("all" if len(steps) == len(STEPS) else ", ".join(steps), *key) for key, steps in steps_of.items()
    }


def _fields(request):
    yielded = {"method and path": f"{request.method} {request.path}"}
    # A signed URL stands where fal's answer says; the tunnel and the proxy differ in what that is.
    if not request.path.startswith("/signed/"):
        yielded["host"] = request.host
    yielded |= {f"query {name}": value for name, value in request.query.items()}
    told = {name: value for name, value in request.headers.items() if name not in {"host", TARGET_HEADER}}
    yielded |= {f"header {name}": _compact(value) for name, value in told.items()}
    if "content-length" in request.headers:
        yielded["header content-length"] = "of the body"
        assert int(request.headers["content-length"]) == len(request.body)
    if request.headers.get("content-type") == "application/json" and request.body:
        return yielded | {f"body {name}": json.dumps(value) for name, value in json.loads(request.body).items()}
    return yielded | {"body": request.body.decode()}


def _compact(value):
    return json.dumps(json.loads(value), separators=(",", ":")) if value.startswith("{") else value


def _stable(value):
    return _UNSTABLE.sub(lambda match: match.lastgroup.upper(), value)
