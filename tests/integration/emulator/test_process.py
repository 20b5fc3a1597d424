"""The emulator as a process: what it refuses, what it logs, how it ends."""

import os
import signal
import subprocess
import sys

import httpx
import pytest

pytestmark = pytest.mark.integration

ENDS_WITHIN_S = 5  # Two are promised; a loaded machine gets the rest.


def run(*words, **environment):
    return subprocess.run(
        [sys.executable, "-m", "emulator", *words],
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "example.org"])  # noqa: S104 - refused is the point
def test_only_loopback_is_served(host):
    ended = run("fal", "--engine", "scripted", "--host", host, EMULATOR_FAL_KEY="a:b")

    assert ended.returncode == 2
    assert "not a loopback address" in ended.stderr


def test_it_does_not_start_without_a_key():
    ended = run("fal", "--engine", "scripted")

    assert ended.returncode == 2
    assert "EMULATOR_FAL_KEY" in ended.stderr


def test_a_wrong_fault_file_is_refused_at_the_start(tmp_path):
    (tmp_path / "faults").write_text('[{"on": "submit", "do": "garble"}]')

    ended = run("fal", "--engine", "scripted", "--faults-file", str(tmp_path / "faults"), EMULATOR_FAL_KEY="a:b")

    assert ended.returncode == 2
    assert "garble cannot be done on 'submit'" in ended.stderr


def test_an_unknown_command_is_refused():
    assert run("fall").returncode == 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_work_in_progress_and_an_answer_pending(start_fal, audio, number):
    fal = start_fal("--engine", "scripted")
    fal.submit(f"{audio.url}/held/tone.wav")
    audio.wait_for(1)
    fal.faults({"on": "submit", "do": {"delay_s": 60}})
    with pytest.raises(httpx.ReadTimeout):
        fal.http.post("/fal-ai/whisper", json={"audio_url": "x"}, timeout=0.3)

    fal.process.send_signal(number)

    assert fal.process.wait(ENDS_WITHIN_S) == 0


def test_nothing_secret_is_logged(start_fal, audio, tone):
    fal = start_fal("--engine", "scripted")
    fal.transcribe(tone)
    fal.transcribe(f"{audio.url}/missing.wav?signature=canary-signature")
    fal.process.send_signal(signal.SIGTERM)
    fal.process.wait(ENDS_WITHIN_S)

    log = fal.log_file.read_text()

    assert "POST /fal-ai/whisper 200" in log
    assert "canary" not in log
