"""Our client sends what fal's own clients send, but for the differences that are listed with their reasons."""

import pytest
from clients.driving import FalClient
from clients.fields import differences, fields_of
from clients.known_differences import KNOWN, table
from clients.recording import Recorder
from emulated_fal import ROOT

pytestmark = pytest.mark.integration

SCRIBE = "fal-ai/elevenlabs/speech-to-text"


@pytest.fixture
def sent(fal, tone, tmp_path):
    """What a client sends for one upload and one request from its submission to a cancellation that comes too late."""

    def send(kind):
        hook = "http://127.0.0.1:9/hook"
        options = {"webhookUrl": hook} if kind == "javascript" else {"webhook_url": hook}
        # The Python client's other way of uploading: its first way has no counterpart in the other two.
        file = {"text": "words", "type": "audio/mpeg", "name": "a.mp3", "life": 3600, "repository": "fal"}
        with Recorder(fal, tmp_path).serving() as recorder:
            FalClient(kind).do(
                recorder,
                {"do": "upload", **file},
                {"do": "submit", "endpoint": SCRIBE, "arguments": {"audio_url": tone}, "options": options},
                {"do": "status", "endpoint": SCRIBE, "id": "@1"},
                {"do": "result", "endpoint": SCRIBE, "id": "@1"},
                {"do": "cancel", "endpoint": SCRIBE, "id": "@1"},
            )
        return fields_of(recorder.recorded)

    return send


def test_our_client_differs_from_fals_own_as_listed_and_not_otherwise(sent):
    assert differences(sent("python"), sent("javascript"), sent("ours")) == set(KNOWN)


def test_both_python_clients_send_the_same(sent):
    assert sent("python-async") == sent("python")


def test_the_table_stands_in_the_documentation():
    assert table() in (ROOT / "docs" / "fal-clients.md").read_text("utf-8")
