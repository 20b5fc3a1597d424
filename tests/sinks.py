"""Every place where a secret could end up (I9), with what it holds: Redis, S3, logs, Flower, `ps`, terminals."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Collection, Iterable
from pathlib import Path

import httpx
from archives import PATIENCE_S, Archive


def redis_dump(archive: Archive) -> bytes:
    """Every key of the archive with all that it holds."""
    readers = {
        b"string": archive.redis.get,
        b"list": lambda key: archive.redis.lrange(key, 0, -1),
        b"hash": archive.redis.hgetall,
        b"set": archive.redis.smembers,
        b"zset": lambda key: archive.redis.zrange(key, 0, -1),
    }
    kinds = {key: archive.redis.type(key) for key in archive.redis.scan_iter(match=f"{archive.bucket}:*")}
    held = {key: readers[kind](key) for key, kind in kinds.items() if kind in readers}  # others have expired since
    return repr(held).encode()


def objects(archive: Archive, besides: Collection[str]) -> dict[str, bytes]:
    """Everything in the bucket besides the sources."""
    return {f"s3 {key}": archive.read(key) for key in set(archive.keys()) - set(besides)}


def logs(archive: Archive) -> dict[str, bytes]:
    """What the processes in the background have written to their outputs."""
    return {path.name: path.read_bytes() for path in archive.folder.glob("*.log")}


def command_lines(archive: Archive) -> bytes:
    """How `ps` shows the processes of this test and the servers."""
    servers = archive.servers
    processes = [*archive.processes, servers.redis.process, servers.s3.process, servers.fal.process]
    return b"\n".join(Path(f"/proc/{process.pid}/cmdline").read_bytes() for process in processes)


def terminals(archive: Archive, keys: Iterable[str]) -> dict[str, bytes]:
    """What the commands that look say of the archive and of these objects, to people and to programs."""
    questions = [["status", archive.uri], ["limit"], *(["explain", f"{archive.uri}{key}"] for key in keys)]
    asked = [[*question, *form] for question in questions for form in ([], ["--json"])]
    outcome = subprocess.run(
        [sys.executable, "-c", _ASK_ALL],
        input=json.dumps(asked),
        env=archive.environment,
        cwd=archive.folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=True,
    )
    said = json.loads(outcome.stdout)
    failed = [answer for code, answer in said if code]
    assert not failed, failed
    shown = {f"terminal: {' '.join(words)}": answer.encode() for words, (_, answer) in zip(asked, said, strict=True)}
    return shown | {"terminal: what was logged": outcome.stderr.encode()}


# One process for all: to import everything anew for each of them takes longer than what they do.
_ASK_ALL = """
import contextlib, io, json, sys
from pipeline.cli import main
said = []
for words in json.load(sys.stdin):
    sys.argv[1:] = words
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        try:
            main()
        except SystemExit as end:
            said.append([end.code, out.getvalue()])
print(json.dumps(said))
"""


def flower_pages(url: str) -> dict[str, bytes]:
    """Every page of Flower, one for each worker and task among them."""
    tasks = json.loads(_page(f"{url}/api/tasks"))
    workers = json.loads(_page(f"{url}/workers?json=1"))["data"]
    paths = [
        *("/api/tasks", "/tasks", "/workers", "/broker", "/metrics", "/api/workers?refresh=1"),
        *(f"/worker/{worker['hostname']}" for worker in workers),
        *(f"/task/{task}" for task in tasks),
    ]
    return {f"flower {path}": _page(url + path) for path in paths}


def _page(url: str) -> bytes:
    answer = httpx.get(url, trust_env=False, timeout=PATIENCE_S)
    assert answer.status_code == 200, (url, answer.text[:300])
    return answer.content
