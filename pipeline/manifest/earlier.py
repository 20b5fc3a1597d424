"""The manifests of earlier runs, which stay where they were written."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from pydantic import ValidationError

from pipeline import keys
from pipeline.models import Manifest, Place
from pipeline.storage.base import Storage

_MANIFEST = "/manifest.json"


def read_earlier(storage: Storage, output: Place, archive: Place, run_id: str, *, at_most: int) -> Iterator[Manifest]:
    """The manifests of runs before this one, newest first, `at_most` of them.

    Lists the folder of all runs, a request per thousand keys. One that this version cannot read is passed over.
    """
    folder = keys.run_folder(output, archive, "").removesuffix("/")
    names: deque[str] = deque(maxlen=at_most)
    for listed in storage.list(output.bucket, folder):
        run, slash, name = listed.key.removeprefix(folder).partition("/")
        if run >= run_id:
            break
        if slash + name == _MANIFEST:  # an archive below `runs/` of this one has its own manifests deeper down
            names.append(listed.key)
    for name in reversed(names):
        stored = storage.read(output.bucket, name)
        if stored is None:
            continue
        try:
            yield Manifest.model_validate_json(stored.body)
        except ValidationError:
            continue
