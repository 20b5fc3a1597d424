"""The differences between our client's requests and those of fal's own, each with its reason."""

from clients.fields import Difference

_LIFETIME = '{"expiration_duration_seconds":3600}'
_WITH_KEY = "begin upload, submit, status, result, cancel"

KNOWN = {
    Difference("all", "header accept-language", "-", "*", "-"): "Node's fetch adds it.",
    Difference("all", "header sec-fetch-mode", "-", "cors", "-"): "Node's fetch adds it.",
    Difference(
        _WITH_KEY,
        "header user-agent",
        "fal-client/VERSION (python)",
        "@fal-ai/client/VERSION",
        "nightscribe/VERSION",
    ): "Each says its own name.",
    Difference(
        "upload", "header user-agent", "fal-client/VERSION (python)", "node", "python-httpx/VERSION"
    ): "The signed URL may be a third party's: ours says nothing of itself there.",
    Difference("upload", "header authorization", "Key KEY", "-", "-"): (
        "The Python client gives the key away with its second way of uploading. The URL is signed and needs none."
    ),
    Difference("begin upload", "query storage_type", "gcs", "fal-cdn-v3", "fal-cdn-v3"): (
        "We upload as the JavaScript client does. The Python client's first way is another: a token, then a POST."
    ),
    Difference("begin upload", "header x-fal-object-lifecycle-preference", _LIFETIME, "-", _LIFETIME): (
        "The name differs in fal's pages. We send both names, as the Python client does."
    ),
    Difference("submit, status, result, cancel", "header accept", "*/*", "application/json", "application/json"): (
        "We read nothing but JSON."
    ),
    Difference("status, result, cancel", "header content-type", "-", "application/json", "-"): (
        "These have no body whose type could be told."
    ),
    Difference("status", "query logs", "false", "0", "-"): "Without logs is the default, and we want none.",
    Difference("submit", "header x-fal-queue-priority", "-", "normal", "-"): "The default.",
    Difference("submit", "header x-fal-request-timeout", "-", "-", "7200.0"): (
        "Our start deadline: by then fal opens the audio's URL, or never (sections 4 and 10)."
    ),
    Difference("submit", "header x-app-fal-disable-fallback", "-", "-", "true"): (
        "The sidecar names the model that was asked."
    ),
    Difference("submit", "body diarize", "-", "-", "false"): (
        "The wish is stated where the model's default is another: Scribe tells speakers apart unless refused."
    ),
}


def table():
    """The same as a table of Markdown, for docs/fal-clients.md."""
    lines = ["| in | field | Python | JavaScript | ours | because |", "|---|---|---|---|---|---|"]
    for difference, reason in KNOWN.items():
        values = (difference.python, difference.javascript, difference.ours)
        shown = " | ".join(value if value == "-" else f"`{value}`" for value in values)
        lines.append(f"| {difference.steps} | {difference.field} | {shown} | {reason} |")
    return "\n".join(lines)
