"""fal's storage of files: tokens, uploads in one piece or in parts, lifetimes (docs/fal.md section 10). No HTTP.

Whatever it holds lies in one folder, which the process removes at its end.
"""

import hashlib
import secrets
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

TOKEN_LIFE_S = 3600.0


@dataclass
class StoredFile:
    """A file at its URL path."""

    file_name: str
    content_type: str
    owner: str
    life_s: float | None
    """How long it lives from its creation, as its uploader wished; None is for ever."""
    expires_at: float | None
    """Seconds since the epoch, by the emulator's fast clock."""
    place: Path
    path: str
    """Of its URL, decoded."""
    size_bytes: int | None = None
    """None until the upload is complete: an initiated one has its URL before its bytes."""
    sha256: str = ""

    @property
    def url_path(self) -> str:
        """The path as it stands in a URL."""
        return quote(self.path)

    def row(self) -> dict[str, Any]:
        """The file as the ledger shows it, without its URL, which is all it takes to read it."""
        return {
            "file_name": self.file_name,
            "content_type": self.content_type,
            "owner": self.owner,
            "size_bytes": self.size_bytes,
            "sha256": self.sha256,
            "life_s": None if self.life_s is None else round(self.life_s, 3),
        }

    def is_there(self, now: float) -> bool:
        """Whether a GET finds it."""
        return self.size_bytes is not None and (self.expires_at is None or now < self.expires_at)


@dataclass
class Upload:
    """An upload that was begun. Its id stands in URLs; the signature is the right to write to it."""

    upload_id: str
    signature: str
    file: StoredFile
    parts: dict[int, tuple[str, Path]] = field(default_factory=dict)
    """By part number: the ETag, and where the bytes are."""


class BadPartsError(Exception):
    """An upload cannot be completed from the parts that were named; the text says why."""


class Storage:
    """Files, the uploads that make them, and the tokens that allow uploads."""

    def __init__(self, folder: Path, time_factor: float) -> None:
        self._folder = folder
        self._time_factor = time_factor
        self.files: dict[str, StoredFile] = {}
        self.uploads: dict[str, Upload] = {}
        self._tokens: dict[str, tuple[str, float]] = {}
        self.keys_given_away = 0
        """Requests to a signed upload URL with an Authorization header: a client that gives its key away."""

    def clear(self) -> None:
        """Forgets everything. Parts of uploads that nobody completed go with the folder."""
        for file in self.files.values():
            file.place.unlink(missing_ok=True)
        self.files, self.uploads, self._tokens, self.keys_given_away = {}, {}, {}, 0

    def new_token(self, owner: str) -> tuple[str, float]:
        """A token for uploads of this account, and when it ends."""
        token, ends_at = secrets.token_urlsafe(24), time.time() + TOKEN_LIFE_S / self._time_factor
        self._tokens[token] = (owner, ends_at)
        return token, ends_at

    def owner_of_token(self, authorization: str | None) -> str | None:
        """The account behind `Bearer TOKEN`; None when the token is missing, unknown or over."""
        scheme, _, token = (authorization or "").partition(" ")
        owner, ends_at = self._tokens.get(token, (None, 0.0))
        return owner if scheme == "Bearer" and time.time() < ends_at else None

    def new_file(self, file_name: str, content_type: str, owner: str, lifetime_s: float | None) -> StoredFile:
        """A place for a file, with a URL path that nobody can guess; not to be read before `finish`."""
        name = f"{uuid.uuid4().hex}_{Path(file_name).name or 'upload.bin'}"
        expires_at = time.time() + lifetime_s / self._time_factor if lifetime_s is not None else None
        path = f"/files/{secrets.token_hex(4)}/{name}"
        return StoredFile(file_name, content_type, owner, lifetime_s, expires_at, self.scratch(), path)

    def scratch(self) -> Path:
        """A path for bytes that are on their way in."""
        return self._folder / f"stored-{uuid.uuid4().hex}"

    def begin(self, file: StoredFile) -> Upload:
        """An upload for this file."""
        upload = Upload(uuid.uuid4().hex, secrets.token_hex(16), file)
        self.uploads[upload.upload_id] = upload
        return upload

    def finish(self, file: StoredFile, received: Path) -> StoredFile:
        """Makes the file readable with these bytes."""
        file.size_bytes = received.replace(file.place).stat().st_size
        with file.place.open("rb") as content:
            file.sha256 = hashlib.file_digest(content, "sha256").hexdigest()
        self.files[file.path] = file
        return file

    @staticmethod
    def add_part(upload: Upload, number: int, received: Path) -> str:
        """Takes a part, in any order; a part that comes again replaces the first. The answer is its ETag."""
        etag = f'"{hashlib.md5(received.read_bytes(), usedforsecurity=False).hexdigest()}"'
        upload.parts[number] = (etag, received)
        return etag

    def complete(self, upload: Upload, named: dict[int, str]) -> StoredFile:
        """Joins the parts in the order of their numbers. Raises BadPartsError."""
        if not named:
            raise BadPartsError("parts are missing")
        for number, etag in named.items():
            if upload.parts.get(number, ("", None))[0].strip('"') != etag.strip('"'):
                raise BadPartsError(f"part {number} was not uploaded, or has another etag")
        joined = self.scratch()
        with joined.open("wb") as target:
            for number in sorted(named):
                target.write(upload.parts[number][1].read_bytes())
        for _, place in upload.parts.values():
            place.unlink()
        del self.uploads[upload.upload_id]
        return self.finish(upload.file, joined)
