"""The fal emulator as a process of its own, for the tests of the emulator and of the clients that judge it."""

import contextlib
import json
import subprocess
import sys
import time
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[1]
KEY = "11111111-aaaa:canary-secret-one"
OTHER_KEY = "22222222-bbbb:canary-secret-two"
START_S = 20  # A cold start of Python on a busy machine, many times over.


class Fal:
    """A running emulator and an HTTP client with a good key."""

    def __init__(self, process, url, folder):
        self.process = process
        self.url = url
        self.log_file = folder / "log"
        self.ca_file = folder / "ca.pem"
        self.tunnel_port_file = folder / "tunnel"
        self.http = httpx.Client(
            base_url=url, headers={"authorization": f"Key {KEY}"}, timeout=20, follow_redirects=False, trust_env=False
        )

    @property
    def tunnel_url(self):
        """The HTTPS proxy to fal's own host names."""
        return f"http://127.0.0.1:{self.tunnel_port_file.read_text().strip()}"

    def submit(self, audio_url, endpoint="fal-ai/whisper", headers=None, **arguments):
        """The request's status object as answered to the submit."""
        answer = self.http.post(f"/{endpoint}", json={"audio_url": audio_url, **arguments}, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def wait(self, request, logs="0"):
        """All status events until COMPLETED: the stream ends by itself, so nothing needs to sleep."""
        with self.http.stream("GET", f"{request['status_url']}/stream", params={"logs": logs}) as answer:
            assert answer.status_code == 200
            return [json.loads(line.removeprefix("data: ")) for line in answer.iter_lines() if line]

    def result(self, request):
        """The answer of the result route after completion."""
        self.wait(request)
        return self.http.get(request["response_url"])

    def transcribe(self, audio_url, endpoint="fal-ai/whisper", **arguments):
        """Submit, wait, result."""
        return self.result(self.submit(audio_url, endpoint, **arguments))

    def ledger(self):
        """The books."""
        return self.http.get("/emulator/ledger").json()

    def faults(self, *rules):
        """Replaces the fault script."""
        answer = self.http.post("/emulator/faults", json=list(rules))
        assert answer.status_code == 200, answer.text


@contextlib.contextmanager
def emulators(make_folder):
    """A function that starts emulators with the given options; all of them end with the context.

    `make_folder` makes a new folder by name. `with_tunnel` opens the way for fal's own clients.
    """
    with contextlib.ExitStack() as running:

        def start(*options, with_tunnel=False):
            folder = make_folder("fal")
            (folder / "keys").write_text(f"# accepted\n{KEY}\n{OTHER_KEY}\n")
            files = ["--port-file", folder / "port", "--key-file", folder / "keys", "--log-level", "DEBUG"]
            if with_tunnel:
                files += ["--tunnel-port-file", folder / "tunnel", "--ca-file", folder / "ca.pem"]
            with (folder / "log").open("wb") as log:
                process = subprocess.Popen(
                    [sys.executable, "-m", "emulator", "fal", *files, *options],
                    cwd=ROOT,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                )
            running.callback(_end, process)
            _wait_for(folder / "port", process, folder / "log")
            fal = Fal(process, f"http://127.0.0.1:{(folder / 'port').read_text().strip()}", folder)
            running.callback(fal.http.close)
            return fal

        yield start


def _wait_for(file, process, log):
    deadline = time.monotonic() + START_S
    while not file.exists():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.02)


def _end(process):
    process.kill()
    process.wait()
