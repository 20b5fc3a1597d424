"""fal's own clients upload to the emulator's storage, whole and in parts, and have the upload transcribed."""

import hashlib

import pytest
from audio_server import FILES
from clients.driving import FalClient

pytestmark = pytest.mark.integration

# Just above where each client begins to upload in parts of ten megabytes (docs/fal.md section 10).
WORDS = "nine byte"  # no divisor of a part's length: parts in another order would make another file
PART_BYTES = 10 * 1024 * 1024
MULTIPART_BYTES = {"python": 10 * PART_BYTES, "python-async": 10 * PART_BYTES, "javascript": 9 * PART_BYTES}


def test_an_uploaded_file_is_transcribed(client, fal, tmp_path):
    file = tmp_path / "tone 1.wav"
    file.write_bytes(FILES["tone.wav"])

    uploaded, done = client.do_well(
        fal,
        {"do": "upload_file", "path": str(file)},
        {"do": "subscribe", "endpoint": "fal-ai/whisper", "arguments": {"audio_url": "@0"}},
    )

    (row,) = fal.ledger()["files"]
    assert (row["file_name"], row["size_bytes"], row["life_s"]) == ("tone 1.wav", len(FILES["tone.wav"]), None)
    assert row["content_type"] in {"audio/x-wav", "audio/wav"}
    assert uploaded["value"].endswith("_tone%201.wav")
    assert done["output"]["chunks"][-1]["timestamp"][1] == 2.0
    assert fal.ledger()["keys_given_away"] == 0


@pytest.mark.parametrize(("life", "life_s"), [("immediate", 60), ("1h", 3600), (7, 7), ("never", None)])
def test_a_file_has_the_life_its_uploader_wished(client, fal, life, life_s):
    act = {"do": "upload", "text": "words", "type": "text/plain", "name": "a.txt", "life": life}

    client.do_well(fal, act)

    assert [row["life_s"] for row in fal.ledger()["files"]] == [life_s]


def test_a_large_file_comes_in_parts_and_is_whole_at_the_end(client, fal):
    times = MULTIPART_BYTES[client.kind] // len(WORDS) + 1
    parts = -(-times * len(WORDS) // PART_BYTES)

    client.do_well(fal, {"do": "upload", "text": WORDS, "times": times, "type": "audio/wav", "name": "large.wav"})

    (row,) = fal.ledger()["files"]
    assert row["sha256"] == hashlib.sha256(WORDS.encode() * times).hexdigest()
    assert fal.ledger()["calls"]["upload"] == 1 + parts + 1  # begun, in parts, complete


def test_the_python_client_gives_its_key_to_the_signed_url_of_its_second_way(fal):
    """A known fault of the client (docs/fal.md section 15), which the emulator counts."""
    act = {"do": "upload", "text": "words", "type": "text/plain", "name": "a.txt", "repository": "fal"}

    FalClient("python").do_well(fal, act)

    assert (fal.ledger()["keys_given_away"], len(fal.ledger()["files"])) == (1, 1)
