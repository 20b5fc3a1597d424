"""No secret in any log, message, result, sidecar or manifest (I9): canaries are seeded everywhere and looked for.

Every place that is searched is shown to hold what it should, and the search to find what is planted.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
import socket
import threading
import urllib.parse
from pathlib import Path
from typing import Any

import httpx
import pytest
from archives import PATIENCE_S, Archive, end, eventually

from emulator.stack.ports import free_ports

pytestmark = [pytest.mark.e2e]

_REDIS_PASSWORD = "canary-redis-password-5f1e"
_CANARY_HEX = "ca4a" * 16
_SIGNED = (
    f"https://bucket.test/episode.mp3?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={_CANARY_HEX}%2F20261122"
    f"&X-Amz-Security-Token={_CANARY_HEX}&X-Amz-Signature={_CANARY_HEX}"
)
# Whatever stands between the name and the value: =, its escapes in URLs and JSON, a colon, quotes.
_SIGNATURE = re.compile(
    r"(?i)x-amz-(?:signature|credential|security-token)(?>=|%3d|%253d|\\u003d|\W{1,6}+)(?!REDACTED)[\w/+%.-]{4,}"
)
_BASE64 = re.compile(rb"[A-Za-z0-9+/]{40,}={0,2}")
_GZIP_MAGIC = b"\x1f\x8b"


class Canaries:
    """The secrets of an archive, and the search for them in whatever form they are kept."""

    def __init__(self, archive: Archive) -> None:
        key = archive.environment["FAL_KEY"]
        self.secrets = {
            "the fal key": key,
            "the secret half of the fal key": key.partition(":")[2],
            "the AWS secret key": archive.environment["AWS_SECRET_ACCESS_KEY"],
            "the Redis password": _REDIS_PASSWORD,
            "a part of a presigned URL": _CANARY_HEX,
        }

    def leaks(self, sinks: dict[str, bytes]) -> list[str]:
        """A line for each secret that is found, with the place and its surroundings."""
        found = []
        for place, content in sinks.items():
            for text in _readings(content):
                at = {name: text.find(secret) for name, secret in self.secrets.items() if secret in text}
                if match := _SIGNATURE.search(text):
                    at["a signature"] = match.start()
                found += [
                    f"{name} in {place}: ...{text[max(0, start - 150) : start + 60]!r}" for name, start in at.items()
                ]
        return sorted(set(found))


def _readings(content: bytes) -> list[str]:
    """The content as it stands, percent-decoded, unzipped, and each base64 word in it decoded."""
    if content.startswith(_GZIP_MAGIC):
        content = gzip.decompress(content)
    text = content.decode(errors="replace")
    readings = [text]
    if "%" in text:
        readings.append(urllib.parse.unquote(text))
    for word in set(_BASE64.findall(content)):
        decoded = base64.b64decode(word[: len(word) - len(word) % 4])
        if b"{" in decoded or b"=" in decoded:
            readings += _readings(decoded)
    return readings


class RedisTap:
    """Every command that a Redis server is given while the block runs: messages, events, hashes, rows."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._heard = bytearray()
        self._listener = threading.Thread(target=self._listen, name="redis-tap")

    def __enter__(self) -> RedisTap:
        self._socket.sendall(b"MONITOR\r\n")
        self._listener.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._listener.join()
        self._socket.close()

    @property
    def heard(self) -> bytes:
        """All of it, quotes unescaped."""
        return bytes(self._heard).replace(b'\\"', b'"')

    def _listen(self) -> None:
        while block := self._socket.recv(65536):
            self._heard += block


@pytest.fixture
def guarded(archive):
    """An archive whose Redis asks for a password, as production's does; logs at their most talkative."""
    user = archive.bucket
    archive.redis.acl_setuser(
        user, enabled=True, passwords=[f"+{_REDIS_PASSWORD}"], keys=["*"], channels=["*"], categories=["+@all"]
    )
    url = urllib.parse.urlsplit(archive.environment["REDIS_URL"])
    archive.environment["REDIS_URL"] = url._replace(netloc=f"{user}:{_REDIS_PASSWORD}@{url.netloc}").geturl()
    archive.environment["NIGHTSCRIBE_LOGS_LEVEL"] = "DEBUG"
    archive.environment["NIGHTSCRIBE_RETRY_BASE_S"] = "0.1"
    yield archive
    archive.redis.acl_deluser(user)


@pytest.mark.parametrize("secret", ["the fal key", "the secret half of the fal key", "the AWS secret key"])
@pytest.mark.parametrize(
    "wrapped",
    [
        lambda secret: f'{{"event": "x", "authorization": "Key {secret}"}}'.encode(),
        lambda secret: gzip.compress(f"row\nhttps://h/?k={secret}\n".encode()),
        lambda secret: json.dumps({"body": base64.b64encode(f'[{{"key": "{secret}"}}]'.encode()).decode()}).encode(),
        lambda secret: urllib.parse.quote(f"https://h/?k={secret}", safe="").encode(),
    ],
    ids=["in a log line", "gzipped", "in a message's body", "in an escaped URL"],
)
def test_the_search_finds_a_secret_that_is_planted(archive, secret, wrapped):
    canaries = Canaries(archive)

    (leak, *_) = canaries.leaks({"the place": b"innocent " * 20, "another": wrapped(canaries.secrets[secret])})

    assert " in another: " in leak


@pytest.mark.parametrize("sign", ["=", "%3D", "%253D", "\\u003d", '": "', ":\n"])
def test_the_search_finds_any_signature_and_lets_redacted_ones_be(archive, sign):
    canaries = Canaries(archive)

    found = canaries.leaks({"log": f"GET /a.mp3?X-Amz-Signature{sign}0123456789abcdef HTTP".encode()})
    nothing = canaries.leaks({"log": f"GET /a.mp3?X-Amz-Signature{sign}REDACTED HTTP".encode()})

    assert len(found) >= 1
    assert nothing == []


def test_a_run_with_every_fault_that_echoes_a_secret_leaves_none_anywhere(guarded):
    archive, canaries = guarded, Canaries(guarded)
    episodes = archive.put_episodes(10)
    archive.put("bad/page.mp3", f"<!DOCTYPE html><html>{_SIGNED}</html>".encode() * 10)
    archive.put("bad/empty.mp3", b"")
    sources = set(archive.keys())
    archive.fault(*_echoes(episodes, canaries))
    sinks: dict[str, bytes] = {}

    with RedisTap(archive.redis.connection_pool.connection_kwargs["port"]) as tap:
        flower = archive.start_flower()
        command = archive.start("backfill", archive.uri, "--formats", "vtt,srt,txt")
        eventually(lambda: archive.redis.llen(archive.queue) == 11, "all messages wait")
        sinks["redis before the workers"] = _redis_dump(archive)
        archive.start_worker("json", slots=3)
        archive.start_worker("text", slots=3, NIGHTSCRIBE_LOGS_FORMAT="text")
        eventually(lambda: archive.intents() and archive.redis.hlen(f"{archive.bucket}:unacked"), "work in hand")
        sinks["redis at work"] = _redis_dump(archive)
        sinks["intents at work"] = json.dumps(archive.intents()).encode()
        sinks["process command lines"] = _command_lines(archive)
        sinks["status --json at work"] = archive.run("status", "--json").stdout.encode()
        assert command.wait(PATIENCE_S) == 1, archive.log("command.log")
        sinks |= {f"flower {path}": _page(flower + path) for path in _flower_paths(flower)}
    sinks["everything that Redis was told"] = tap.heard
    for process in archive.processes[2:]:
        end(process)
    sinks |= {f"s3 {key}": archive.read(key) for key in archive.keys() if key not in sources}
    sinks |= {path.name: path.read_bytes() for path in archive.folder.glob("*.log")}

    _assert_that_nothing_was_missed(archive, sinks)
    assert canaries.leaks(sinks) == []


def test_a_run_that_fal_refuses_with_an_echo_of_the_key_shows_no_secret(guarded):
    archive, canaries = guarded, Canaries(guarded)
    archive.put_episodes(3)
    echo = f"invalid key {canaries.secrets['the fal key']}, half {canaries.secrets['the secret half of the fal key']}"
    archive.fault({"on": "submit", "do": {"status": 401, "body": {"detail": f"{echo} for {_SIGNED}"}}})
    archive.start_worker()

    with RedisTap(archive.redis.connection_pool.connection_kwargs["port"]) as tap:
        outcome = archive.run("backfill", archive.uri)
        status = archive.run("status", "--json")

    assert outcome.returncode == 4, outcome.stderr
    assert "401" in outcome.stderr
    assert "stopped_because" in status.stdout
    worker = archive.log().encode()
    assert b"account_refused" in worker
    shown = {"stdout": outcome.stdout, "stderr": outcome.stderr, "status": status.stdout + status.stderr}
    sinks = {name: text.encode() for name, text in shown.items()}
    assert canaries.leaks({**sinks, "worker": worker, "redis": tap.heard}) == []


def test_commands_of_one_recording_print_no_secret_well_or_badly(guarded):
    archive, canaries = guarded, Canaries(guarded)
    good, gone, refused, broken = archive.put_episodes(4)
    key = canaries.secrets["the fal key"]
    archive.fault(
        {"on": "download", "key": gone, "do": "drop"},
        {"on": "submit", "key": refused, "do": {"status": 401, "body": {"detail": f"no such key: {key}; {_SIGNED}"}}},
        {"on": "submit", "key": broken, "do": {"status": 500, "body": f"<html>{key} {_SIGNED}</html>"}},
    )
    uri = f"s3://{archive.bucket}/"

    runs = {
        "well": archive.run("transcribe", f"{uri}{good}", "--format", "json"),
        "download": archive.run("transcribe", f"{uri}{gone}"),
        "refused": archive.run("transcribe", f"{uri}{refused}"),
        "broken": archive.run("transcribe", f"{uri}{broken}", NIGHTSCRIBE_LOGS_FORMAT="text"),
        "url": archive.run("transcribe", _SIGNED),
        "no url": archive.run("transcribe", _SIGNED.replace("https://", "ftp://")),
    }

    assert [run.returncode for run in runs.values()] == [0, 1, 4, 1, 1, 2], [run.stderr for run in runs.values()]
    assert "file_download_error" in runs["download"].stderr
    assert all(run.stdout + run.stderr for run in runs.values())
    assert canaries.leaks({name: (run.stdout + run.stderr).encode() for name, run in runs.items()}) == []


def test_commands_about_the_set_up_print_no_secret_well_or_badly(guarded):
    archive, canaries = guarded, Canaries(guarded)
    archive.put_episodes(1)
    (closed,) = free_ports(1)
    away = f"redis://user:{_REDIS_PASSWORD}@127.0.0.1:{closed}/0"
    wrong_redis = archive.environment["REDIS_URL"].replace("redis://", "redis://wrong-")
    half = {
        "FAL_KEY": "",
        "FAL_KEY_ID": "no-such-id",
        "FAL_KEY_SECRET": canaries.secrets["the secret half of the fal key"],
    }

    runs = {
        "config show": archive.run("config", "show"),
        "config show --json": archive.run("config", "show", "--json"),
        "plan": archive.run("plan", archive.uri, "--list"),
        "status away": archive.run("status", REDIS_URL=away),
        "status refused": archive.run("status", REDIS_URL=wrong_redis),
        "no redis url": archive.run("status", REDIS_URL=f"redis://user:{_REDIS_PASSWORD}@host:port/x"),
        "backfill away": archive.run("backfill", archive.uri, REDIS_URL=away),
        "key in two parts": archive.run("backfill", archive.uri, **half),
        "key with a line end": archive.run(
            "transcribe", "https://a.test/b.mp3", FAL_KEY=archive.environment["FAL_KEY"] + "\n\x07x"
        ),
        "s3 refused": archive.run("plan", archive.uri, AWS_ACCESS_KEY_ID="unknown"),
    }

    assert [run.returncode for run in runs.values()][:3] == [0, 0, 0], [run.stderr for run in runs.values()]
    assert all(run.returncode for name, run in runs.items() if " " in name and "show" not in name)
    assert "**********" in runs["config show"].stdout
    assert archive.bucket in runs["config show"].stdout
    assert all(run.stdout + run.stderr for run in runs.values())
    assert canaries.leaks({name: (run.stdout + run.stderr).encode() for name, run in runs.items()}) == []


def _echoes(episodes: list[str], canaries: Canaries) -> list[dict[str, Any]]:
    """A fault per episode, each with a body that fal or a proxy before it might send; the last two go well."""
    key, half = (canaries.secrets[name] for name in ("the fal key", "the secret half of the fal key"))
    echo = f"Authorization: Key {key} ({half}) for {_SIGNED}"
    page = f"<html><body>Bad gateway: {echo}</body></html>"
    refused = [{"type": "audio_duration_too_long", "msg": echo, "loc": ["body", _SIGNED], "input": _SIGNED}]
    answer = {"text": "hello", "chunks": [], "request": {"audio_url": _SIGNED, "headers": echo, echo: 1}}
    acts: list[tuple[str, dict[str, Any]]] = [
        ("download", {"do": "drop"}),  # a 422 whose `input` is the very URL that was sent
        ("process", {"times": 1, "do": {"fail": {"detail": echo}}}),
        ("process", {"do": {"fail": {"status": 422, "detail": refused}}}),
        ("status", {"times": 2, "do": {"status": 502, "body": page}}),
        ("result", {"times": 2, "do": {"status": 500, "body": page}}),
        ("result", {"times": 1, "do": {"status": 200, "body": page}}),
        ("submit", {"do": {"status": 500, "body": page}}),
        ("result", {"do": {"status": 200, "body": answer}}),
    ]
    return [{"on": stage, "key": key, **rule} for key, (stage, rule) in zip(episodes, acts, strict=False)]


def _assert_that_nothing_was_missed(archive: Archive, sinks: dict[str, bytes]) -> None:
    """A search in nothing proves nothing: each place holds what it is searched for."""
    assert sorted(row["reason"] for row in archive.rows() if row["state"] != "done") == [
        "audio_duration_too_long",
        "empty_object",
        "file_download_error",
        "not_audio",
        "submit_reply_lost",
    ]
    assert len([place for place in sinks if place.endswith(".transcript.json")]) == 7
    expected = {
        "redis before the workers": ["unacked" * 0 or "jobs", "argsrepr"],
        "redis at work": ["unacked", "started", "permits"],
        "intents at work": ["url_hash"],
        "process command lines": ["backfill", "workers.app", "flower"],
        "status --json at work": ["outstanding", archive.bucket],
        "everything that Redis was told": ["PUBLISH", "celeryev", "unacked", '"EVALSHA"', "rows"],
        "flower /api/tasks": ["FAILURE", "SUCCESS", "with fal-ai/whisper"],
        "worker-json.log": ["request_submitted", "request_failed"],
        "worker-text.log": ["request_submitted"],
        "command.log": ["7 done"],
        "flower.log": ["Connected"],
    }
    for place, words in expected.items():
        text = " ".join(_readings(sinks[place]))
        assert all(word in text for word in words), (place, words, text[:500])
    redacted = [place for place, content in sinks.items() if b"REDACTED" in content]
    for place in ("worker-json.log", "everything that Redis was told"):
        assert place in redacted, redacted
    assert any(place.endswith(".transcript.json") for place in redacted), redacted
    assert any(place.startswith("s3 ") and b"file_download_error" in _plain(sinks[place]) for place in sinks)


def _plain(content: bytes) -> bytes:
    return gzip.decompress(content) if content.startswith(_GZIP_MAGIC) else content


def _redis_dump(archive: Archive) -> bytes:
    """Every key of the archive with all that it holds."""
    readers = {
        b"string": archive.redis.get,
        b"list": lambda key: archive.redis.lrange(key, 0, -1),
        b"hash": archive.redis.hgetall,
        b"set": archive.redis.smembers,
        b"zset": lambda key: archive.redis.zrange(key, 0, -1),
    }
    lines = []
    for key in archive.redis.scan_iter(match=f"{archive.bucket}:*"):
        if (kind := archive.redis.type(key)) != b"none":  # expired since it was listed
            lines.append(repr((key, readers[kind](key))))
    return "\n".join(lines).encode()


def _command_lines(archive: Archive) -> bytes:
    """How `ps` shows the processes of this test and the servers."""
    servers = archive.servers
    processes = [*archive.processes, servers.redis.process, servers.s3.process, servers.fal.process]
    return b"\n".join(Path(f"/proc/{process.pid}/cmdline").read_bytes() for process in processes)


def _flower_paths(url: str) -> list[str]:
    tasks = json.loads(_page(f"{url}/api/tasks"))
    workers = json.loads(_page(f"{url}/workers?json=1"))["data"]
    return [
        *("/api/tasks", "/tasks", "/workers", "/broker", "/metrics", "/api/workers?refresh=1"),
        *(f"/worker/{worker['hostname']}" for worker in workers),
        *(f"/task/{task}" for task in tasks),
    ]


def _page(url: str) -> bytes:
    answer = httpx.get(url, trust_env=False, timeout=PATIENCE_S)
    assert answer.status_code == 200, (url, answer.text[:300])
    return answer.content
