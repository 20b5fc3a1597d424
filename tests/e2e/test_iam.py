"""The policies of docs/security.md: everything works with them, and with any part of one taken out something fails."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
import urllib.request

import pytest
from archives import PATIENCE_S, REPOSITORY, Archive, end, eventually
from iam import EXAMPLES, example, iam_store, permits

from emulator.archive.crowd import small_objects
from emulator.stack.ports import free_ports

pytestmark = [pytest.mark.e2e]
_STATEMENTS = {
    path.stem.removeprefix("iam-"): json.loads(path.read_text("utf-8"))["Statement"]
    for path in sorted(EXAMPLES.glob("iam-*.json"))
}
_FORMATS = ("--formats", "vtt,srt,txt,json")


def _parts():
    """Every action and every resource of every statement, to be taken out one at a time."""
    for role, statements in _STATEMENTS.items():
        for number, statement in enumerate(statements):
            for field in ("Action", "Resource"):
                values = statement[field] if isinstance(statement[field], list) else [statement[field]]
                for value in values:
                    yield role, number, field, value


class _Nights:
    """Everything that Nightscribe does with S3, each role with its own policy; `store.asked` is what came of it."""

    def __init__(self, store, archive):
        self.store, self.archive = store, archive
        self.uri = f"s3://{store.bucket}/"
        self.roles = {role: store.user(role) for role in _STATEMENTS}
        self.codes, self.said = {}, {}
        (_, self.audio), *_ = small_objects(1)

    def put(self, key, body):
        self.store.admin.put_object(Bucket=self.store.bucket, Key=key, Body=body)

    def keys(self, prefix):
        found = self.store.admin.list_objects_v2(Bucket=self.store.bucket, Prefix=prefix)
        return [entry["Key"] for entry in found.get("Contents", ())]

    def run(self, name, role, *words):
        outcome = self.archive.run(*words, **self.roles[role])
        self.codes[name], self.said[name] = outcome.returncode, outcome.stdout + outcome.stderr

    def all(self):
        for name in ("a.mp3", "b.mp3", "stranger.mp3"):
            self.put(f"shows/{name}", self.audio)
        self.put("shows/bad.mp3", b"")
        self.store.enforce()
        worker = self.archive.start_worker("guarded", slots=4, **self.roles["worker"])
        self.run("doctor", "doctor", "doctor", self.uri)
        self.run("plan", "dispatcher", "plan", self.uri)
        self._first_night()
        self.run("second night", "dispatcher", "backfill", self.uri, "--force", *_FORMATS)
        self.run("nightly", "dispatcher", "nightly", self.uri)
        self.run("verify", "dispatcher", "verify", self.uri, "--deep")
        self.run("rebuild", "dispatcher", "manifest", "rebuild", self.uri)
        self.run("report", "dispatcher", "report", self.uri)
        self.run("render", "render", "render", self.uri, *_FORMATS)
        self.run("render anew", "render", "render", self.uri, *_FORMATS, "--force")
        self.run("show", "reader", "show", f"{self.uri}shows/a.mp3")
        self.run("explain", "reader", "explain", f"{self.uri}shows/bad.mp3")
        self._listen()
        self._scrape()
        assert end(worker) == 0

    def _first_night(self):
        """While one recording is transcribed a stranger's file takes the place of its sidecar."""
        slowly = {"on": "process", "match": {"path_contains": "/shows/stranger.mp3"}, "do": {"delay_s": 3.0}}
        self.archive.fault(slowly)
        command = self.archive.start("backfill", self.uri, *_FORMATS, **self.roles["dispatcher"])
        eventually(lambda: self.archive_is_asked("stranger.mp3"), "fal has the recording")
        self.put("shows/stranger.mp3.transcript.json", b"not ours")
        self.codes["first night"] = command.wait(PATIENCE_S)
        self.said["first night"] = self.archive.log("command.log")
        self.store.admin.delete_object(Bucket=self.store.bucket, Key="shows/stranger.mp3.transcript.json")

    def archive_is_asked(self, name):
        with urllib.request.urlopen(f"{self.archive.servers.fal_url}/emulator/ledger") as answer:  # noqa: S310  loopback
            return any(line["audio_path"].endswith(name) for line in json.load(answer)["accepted"])

    def _listen(self):
        key = "shows/new.mp3"
        self.put(key, self.audio)
        event = {
            "eventSource": "aws:s3",
            "eventVersion": "2.1",
            "eventName": "ObjectCreated:Put",
            "eventTime": "2026-11-23T02:00:00.000Z",
            "s3": {"bucket": {"name": self.store.bucket}, "object": {"key": key, "size": 1, "sequencer": "0A"}},
        }
        url = self.store.queue_with(json.dumps({"Records": [event]}))
        self._hold_messages(url)
        environment = self.roles["listen"] | {
            "NIGHTSCRIBE_LISTEN_GATHER_S": "2",
            "AWS_ENDPOINT_URL_SQS": self.store.url,
        }
        command = self.archive.start("listen", self.uri, "--queue-url", url, **environment)
        is_deleted = lambda: [asked for asked in self.store.asked if asked[1] == "sqs:DeleteMessage"]  # noqa: E731
        eventually(lambda: command.poll() is not None or is_deleted(), "its message is deleted")
        self.codes["listen"] = end(command) if command.poll() is None else f"ended {command.returncode}"
        self.said["listen"] = self.archive.log("command.log")
        assert f"{key}.transcript.json" in self.keys(key), self.said["listen"]

    def _hold_messages(self, url):
        """As a listener does every hundred seconds while its run lasts; the message is there again at once."""
        code = (
            "import sys; from pipeline.arrivals.sqs import SqsInbox; inbox = SqsInbox(sys.argv[1], visibility_s=30);"
            "assert inbox.hold([message.receipt for message in inbox.receive(0)], 0) == 0"
        )
        environment = self.archive.environment | self.roles["listen"] | {"AWS_ENDPOINT_URL_SQS": self.store.url}
        subprocess.run([sys.executable, "-c", code, url], env=environment, cwd=REPOSITORY, check=True)

    def _scrape(self):
        (port,) = free_ports(1)
        words = ("metrics", self.uri, f"{self.uri}nothing/", "--port", str(port))
        command = self.archive.start(*words, **self.roles["exporter"])
        read = lambda: [asked for asked in self.store.asked if asked[0] == "exporter"]  # noqa: E731
        eventually(lambda: command.poll() is not None or len(read()) >= 3, "the exporter reads the manifest")
        self.codes["metrics"] = end(command) if command.poll() is None else f"ended {command.returncode}"
        self.said["metrics"] = self.archive.log("command.log")


@pytest.mark.timeout(400)
def test_everything_works_with_the_policies_and_not_without_any_part_of_them(servers, tmp_path):
    """One test, for the nights take most of a minute: as more than one, several test processes would each have them."""
    with iam_store() as store, Archive(servers, tmp_path) as archive:
        archive.may_fork = False  # here most commands are started as a user starts them
        nights = _Nights(store, archive)
        nights.all()

        # The first night meets a bad file, and a stranger's.
        assert nights.codes == dict.fromkeys(nights.codes, 0) | {"first night": 1}, nights.said
        log = archive.log("worker-guarded.log")
        assert "AccessDenied" not in log + json.dumps(nights.said)
        assert "not readable" not in log + json.dumps(nights.said)
        assert nights.keys("_nightscribe/unplaced/")

    parts = list(_parts())
    assert len(parts) > 50
    assert [part for part in parts if not _is_needed(store, *part)] == []


def _is_needed(store, role, number, field, value):
    """Whether the policy without it would have refused a request that was really made, and granted with it."""
    policy = example(role, store.bucket)
    asked = {(action, resource) for who, action, resource in store.asked if who == role}
    assert [request for request in asked if not permits(policy, *request)] == []
    less = copy.deepcopy(policy)
    left = less["Statement"][number][field]
    real = value.replace("YOUR-BUCKET", store.bucket)
    less["Statement"][number][field] = [item for item in left if item != real] if isinstance(left, list) else "none"
    return any(not permits(less, *request) for request in asked)
