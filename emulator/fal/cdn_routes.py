"""What v3.fal.media answers: uploads under a token or a signed URL, and files to anybody (docs/fal.md section 10)."""

import time
from collections.abc import Callable

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from emulator.fal.gate import Gate
from emulator.fal.hosts import cdn_url
from emulator.fal.ledger import Ledger
from emulator.fal.storage import BadPartsError, Storage, StoredFile, Upload
from emulator.fal.uploading import BadLifecycleError, CompleteUpload, lifetime_s, receive


class CdnRoutes:
    """The API key is good for nothing here."""

    def __init__(self, storage: Storage, gate: Gate, ledger: Ledger) -> None:
        self._storage = storage
        self._gate = gate
        self._ledger = ledger

    def routes(self) -> list[Route]:
        """Paths of the CDN host."""
        parts = "/files/{name:path}/multipart/{upload_id}"
        return [
            Route("/files/upload", self.upload, methods=["POST"]),
            Route("/files/upload/multipart", self.begin_parts, methods=["POST"]),
            Route(f"{parts}/complete", self.complete, methods=["POST"]),
            Route(f"{parts}/{{number:int}}", self.add_part, methods=["PUT"]),
            Route("/files/{name:path}", self.read, methods=["GET"]),
            Route("/signed/{upload_id}", self.put, methods=["PUT"]),
            Route("/signed/{upload_id}/complete", self.complete, methods=["POST"]),
            Route("/signed/{upload_id}/{number:int}", self.add_part, methods=["PUT"]),
        ]

    async def upload(self, http: Request) -> Response:
        """A whole file under a token."""
        file = self._new_file(http)
        if isinstance(file, Response):
            return file
        received = await receive(http, self._storage.scratch())
        return await self._gated(file, lambda: _located(http, self._storage.finish(file, received)))

    async def begin_parts(self, http: Request) -> Response:
        """The beginning of an upload in parts under a token; the parts go to paths below the file's URL."""
        file = self._new_file(http)
        if isinstance(file, Response):
            return file

        def act() -> Response:
            upload_id = self._storage.begin(file).upload_id
            return JSONResponse({"access_url": f"{cdn_url(http)}{file.url_path}", "uploadId": upload_id})

        return await self._gated(file, act)

    async def add_part(self, http: Request) -> Response:
        """One part. The Python client reads its ETag from the header, the JavaScript client from the body."""
        upload = self._upload(http)
        if upload is None:
            return _forbidden()
        number, received = http.path_params["number"], await receive(http, self._storage.scratch())

        def act() -> Response:
            etag = self._storage.add_part(upload, number, received)
            return JSONResponse({"partNumber": number, "etag": etag}, headers={"etag": etag})

        return await self._gated(upload.file, act)

    async def complete(self, http: Request) -> Response:
        """The end of an upload in parts: all that is named must have come, with the same ETag."""
        upload = self._upload(http)
        if upload is None:
            return _forbidden()
        try:
            named = CompleteUpload.model_validate_json(await http.body()).by_number()
        except ValidationError as error:
            return JSONResponse({"detail": str(error)}, 422)

        def act() -> Response:
            try:
                return _located(http, self._storage.complete(upload, named))
            except BadPartsError as error:
                return JSONResponse({"detail": str(error)}, 400)

        return await self._gated(upload.file, act)

    async def put(self, http: Request) -> Response:
        """A whole file for a signed URL; sent again, it replaces the first."""
        upload = self._upload(http)
        if upload is None:
            return _forbidden()
        received = await receive(http, self._storage.scratch())

        def act() -> Response:
            self._storage.finish(upload.file, received)
            return Response(status_code=200)

        return await self._gated(upload.file, act)

    async def read(self, http: Request) -> Response:
        """The file, to anybody who knows its URL, until its lifetime is over."""
        self._ledger.call("file")
        file = self._storage.files.get(http.scope["path"])
        if file is None or not file.is_there(time.time()):
            return JSONResponse({"detail": "File not found"}, 404)
        return FileResponse(file.place, media_type=file.content_type)

    def _new_file(self, http: Request) -> StoredFile | Response:
        self._ledger.call("upload")
        owner = self._storage.owner_of_token(http.headers.get("authorization"))
        if owner is None:
            self._ledger.refuse("upload", 401)
            return JSONResponse({"detail": "invalid token"}, 401)
        name = http.headers.get("x-fal-file-name", "upload.bin")
        content_type = http.headers.get("content-type", "application/octet-stream")
        try:
            return self._storage.new_file(name, content_type, owner, lifetime_s(http))
        except BadLifecycleError as error:
            return JSONResponse({"detail": str(error)}, 422)

    def _upload(self, http: Request) -> Upload | None:
        """The upload that a URL or a token gives the right to; None without that right."""
        self._ledger.call("upload")
        authorization, signature = http.headers.get("authorization"), http.query_params.get("signature")
        upload = self._storage.uploads.get(http.path_params["upload_id"])
        if http.scope["path"].startswith("/signed/"):
            self._storage.keys_given_away += authorization is not None
            return upload if upload is not None and upload.signature == signature else None
        owner = self._storage.owner_of_token(authorization)
        is_ours = upload is not None and upload.file.owner == owner and http.scope["path"].startswith(upload.file.path)
        return upload if is_ours else None

    async def _gated(self, file: StoredFile, act: Callable[[], Response]) -> Response:
        return await self._gate.pass_through("upload", act, audio_path=file.file_name)


def _located(http: Request, file: StoredFile) -> Response:
    return JSONResponse({"access_url": f"{cdn_url(http)}{file.url_path}"})


def _forbidden() -> Response:
    return JSONResponse({"detail": "no such upload, or no right to it"}, 403)
