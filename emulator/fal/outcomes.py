"""The outcomes a request can have, in fal's two error formats (docs/fal.md section 5). Pure."""

import json
from typing import Any

from emulator.fal.request import Outcome

# docs/fal.md section 5: types that fal documents link to its errors page; native pydantic types pass as they are.
FAL_ERROR_TYPES = frozenset(
    {
        "file_download_error",
        "file_too_large",
        "audio_duration_too_long",
        "audio_duration_too_short",
        "unsupported_audio_format",
        "greater_than",
        "greater_than_equal",
        "less_than",
        "less_than_equal",
        "multiple_of",
        "one_of",
    }
)


def success(output: dict[str, Any], units: float) -> Outcome:
    """The model's answer, and what it is billed in the model's own unit."""
    return Outcome(200, json.dumps(output).encode(), billable_units=units)


def request_error(
    error_type: str | None, detail: str, status_code: int, headers: dict[str, str] | None = None
) -> Outcome:
    """An infrastructure error: one text, and its type in body, header and COMPLETED status. Not billed."""
    body = {"detail": detail} | ({"error_type": error_type} if error_type else {})
    type_header = {"x-fal-error-type": error_type} if error_type else {}
    return Outcome(status_code, json.dumps(body).encode(), type_header | (headers or {}), detail, error_type)


def model_error(errors: list[dict[str, Any]], status_code: int = 422, headers: dict[str, str] | None = None) -> Outcome:
    """A model error: a list under `detail`, not retryable, zero units (docs/fal.md section 5)."""
    detail = [
        error
        | ({"url": f"https://docs.fal.ai/errors/#{error['type']}"} if error.get("type") in FAL_ERROR_TYPES else {})
        for error in errors
    ]
    all_headers = {"x-fal-needs-retry": "0"} | (headers or {})
    text = f"Invalid status code: {status_code}"
    return Outcome(status_code, json.dumps({"detail": detail}).encode(), all_headers, text)


def file_download_error(url: str) -> Outcome:
    """The runner cannot fetch the audio. `input` echoes the whole URL, as fal does: a presigned one leaks here."""
    message = "Failed to download the file. Please check if the URL is accessible and try again."
    return model_error([{"loc": ["body", "audio_url"], "msg": message, "type": "file_download_error", "input": url}])


def unsupported_audio_format(url: str) -> Outcome:
    """The file was fetched and is not audio that can be decoded."""
    formats = [".mp3", ".mp4", ".mpeg", ".mpga", ".m4a", ".wav", ".webm"]
    return model_error(
        [
            {
                "loc": ["body", "audio_url"],
                "msg": "Unsupported audio format.",
                "type": "unsupported_audio_format",
                "input": url,
                "ctx": {"supported_formats": formats},
            }
        ]
    )


def start_timeout() -> Outcome:
    """The request did not start before the caller's own deadline (docs/fal.md section 4)."""
    detail = "Request did not start within the requested timeout"
    return request_error("request_timeout", detail, 504, {"x-fal-request-timeout-type": "user"})


def cancelled() -> Outcome:
    """Removed from the queue by its owner. What fal answers here is inferred (docs/fal.md section 3.5)."""
    return request_error("client_cancelled", "Request was cancelled by the client", 499)
