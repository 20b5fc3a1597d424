"""downloads: an object to a file, piece by piece."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ConfigurationError
from pipeline.storage.downloads import download
from pipeline.storage.memory import MemoryStorage


@given(st.binary(max_size=20), st.integers(min_value=1, max_value=8))
def test_every_byte_arrives_in_order_and_in_the_digest(tmp_path_factory, body, piece_bytes):
    storage, file, digest = MemoryStorage(), tmp_path_factory.mktemp("x") / "file", hashlib.sha256()
    storage.put("b", "k", body)

    assert download(storage, "b", "k", file, digest, piece_bytes=piece_bytes)

    assert file.read_bytes() == body
    assert digest.digest() == hashlib.sha256(body).digest()
    assert storage.calls.get("read_range", 0) == -(-len(body) // piece_bytes)


def test_an_object_that_is_not_there_makes_no_file(tmp_path):
    assert not download(MemoryStorage(), "b", "k", tmp_path / "file", hashlib.sha256())
    assert list(tmp_path.iterdir()) == []


def test_two_versions_are_never_mixed(tmp_path):
    class Replaced(MemoryStorage):
        def read_range(self, bucket, key, start, length, *, if_match):
            if start:
                self.put(bucket, key, b"another")
            return super().read_range(bucket, key, start, length, if_match=if_match)

    storage = Replaced()
    storage.put("b", "k", b"first version")

    with pytest.raises(ConfigurationError, match="s3://b/k was deleted or replaced while"):
        download(storage, "b", "k", tmp_path / "file", hashlib.sha256(), piece_bytes=4)


def test_a_folder_that_cannot_take_it_is_told(tmp_path):
    storage = MemoryStorage()
    storage.put("b", "k", b"body")

    with pytest.raises(ConfigurationError, match="TMPDIR"):
        download(storage, "b", "k", tmp_path / "no such folder" / "file", hashlib.sha256())
