"""What rest.fal.ai answers to the API key: tokens, and the beginning of uploads (docs/fal.md sections 9 and 10)."""

import secrets

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from emulator.fal.entrance import Entrance
from emulator.fal.gate import Gate
from emulator.fal.hosts import cdn_url
from emulator.fal.ledger import iso
from emulator.fal.storage import Storage
from emulator.fal.uploading import BadLifecycleError, BeginUpload, lifetime_s

STORAGE_TYPES = frozenset({"fal-cdn-v3", "gcs"})


class RestRoutes:
    """The key comes first, as everywhere at fal."""

    def __init__(self, storage: Storage, entrance: Entrance, gate: Gate) -> None:
        self._storage = storage
        self._entrance = entrance
        self._gate = gate

    def routes(self) -> list[Route]:
        """Paths of the rest host."""
        return [
            Route("/storage/auth/token", self.upload_token, methods=["POST"]),
            Route("/storage/upload/initiate", self.initiate, methods=["POST"]),
            Route("/storage/upload/initiate-multipart", self.initiate, methods=["POST"]),
            Route("/tokens/", self.realtime_token, methods=["POST"]),
        ]

    async def upload_token(self, http: Request) -> Response:
        """A token that may upload to the CDN."""
        owner = self._entrance.owner(http, "token")
        if owner is None:
            return _unauthorised()
        if http.query_params.get("storage_type") not in STORAGE_TYPES:
            return JSONResponse({"detail": f"storage_type must be one of {sorted(STORAGE_TYPES)}"}, 400)

        def act() -> Response:
            token, ends_at = self._storage.new_token(owner)
            about = {"token": token, "token_type": "Bearer", "base_url": cdn_url(http), "expires_at": iso(ends_at)}
            return JSONResponse(about)

        return await self._gate.pass_through("token", act)

    async def initiate(self, http: Request) -> Response:
        """A signed URL to upload to, in one piece or in parts, and the URL that the file will have."""
        owner = self._entrance.owner(http, "upload")
        if owner is None:
            return _unauthorised()
        try:
            wish, life_s = BeginUpload.model_validate_json(await http.body()), lifetime_s(http)
        except (ValidationError, BadLifecycleError) as error:
            return JSONResponse({"detail": str(error)}, 422)

        def act() -> Response:
            upload = self._storage.begin(self._storage.new_file(wish.file_name, wish.content_type, owner, life_s))
            upload_url = f"{cdn_url(http)}/signed/{upload.upload_id}?signature={upload.signature}"
            return JSONResponse({"upload_url": upload_url, "file_url": f"{cdn_url(http)}{upload.file.url_path}"})

        return await self._gate.pass_through("upload", act, audio_path=wish.file_name)

    async def realtime_token(self, http: Request) -> Response:
        """A JSON string. No websocket of the emulator wants one."""
        if self._entrance.owner(http, "realtime_token") is None:
            return _unauthorised()
        return JSONResponse(secrets.token_urlsafe(24))


def _unauthorised() -> Response:
    return JSONResponse({"detail": "invalid key credentials"}, 401)
