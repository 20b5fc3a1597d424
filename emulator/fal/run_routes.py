"""What fal.run answers: a model called directly, with its answer or with a stream (docs/fal.md section 9)."""

import json
from collections.abc import Iterator

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from emulator.fal.entrance import Entrance
from emulator.fal.models import ENDPOINTS, read_arguments
from emulator.fal.queue import FalQueue, FullError
from emulator.fal.replies import replayed
from emulator.fal.request import FalRequest
from emulator.fal.submissions import BadSubmissionError, read_submission

STREAM_PATH = "/stream"


class RunRoutes:
    """One route for all models. No queue: who comes when the account is busy gets a 429."""

    def __init__(self, queue: FalQueue, entrance: Entrance) -> None:
        self._queue = queue
        self._entrance = entrance

    async def answer(self, http: Request) -> Response:
        """The key comes first, as at fal."""
        owner = self._entrance.owner(http, "run")
        if owner is None:
            return JSONResponse({"detail": "invalid key credentials"}, 401)
        return await self._run(http, owner)

    async def _run(self, http: Request, owner: str) -> Response:
        if http.method != "POST":
            return JSONResponse({"detail": "Method Not Allowed"}, 405, {"allow": "POST"})
        path = http.scope["path"].rstrip("/")
        endpoint_id = path.removesuffix(STREAM_PATH).strip("/")
        if endpoint_id not in ENDPOINTS:
            return JSONResponse({"detail": f"Application '{endpoint_id}' not found"}, 404)
        is_stream = path.endswith(STREAM_PATH)
        if is_stream and not ENDPOINTS[endpoint_id].streams:
            return JSONResponse({"detail": f"Path {STREAM_PATH} not found"}, 404)
        try:
            request = read_submission(endpoint_id, owner, http, await http.body())
            await self._queue.run(request)
        except BadSubmissionError as error:
            return JSONResponse({"detail": str(error), "error_type": "bad_request"}, 400)
        except FullError:
            return _too_many()
        whole = replayed(request)
        return _streamed(request, whole) if is_stream and whole.status_code < 400 else whole  # noqa: PLR2004


def _too_many() -> Response:
    # The envelope of this error is not known (docs/fal.md section 17).
    about = {"loc": ["body"], "msg": "Too many concurrent requests", "type": "concurrent_requests_limit"}
    return JSONResponse({"detail": [about]}, 429, {"x-fal-needs-retry": "1"})


def _streamed(request: FalRequest, whole: Response) -> Response:
    events = read_arguments(request.endpoint_id, request.arguments).events(json.loads(bytes(whole.body)))
    names = ("x-fal-request-id", "x-fal-billable-units")
    headers = {name: whole.headers[name] for name in names}
    return StreamingResponse(_lines(events), headers=headers, media_type="text/event-stream")


def _lines(events: list[dict[str, object]]) -> Iterator[str]:
    for event in events:
        yield f"data: {json.dumps(event)}\n\n"
