"""How a night ends that takes long over it, or that nobody listens to any more."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from itertools import pairwise

import pytest
from archives import REPOSITORY, eventually, says

pytestmark = [pytest.mark.e2e]

# The manifest is as long in the making as the file is there.
_AT_LENGTH = textwrap.dedent("""
    import sys, time
    from pathlib import Path
    from pipeline import cli, manifest

    finish, hold = manifest.finish, Path(sys.argv.pop(1))

    def at_length(*words, **options):
        hold.with_name("at its end").touch()
        while hold.exists():
            time.sleep(0.05)
        return finish(*words, **options)

    manifest.finish = at_length
    cli.main()
""")

# It dies between the manifest and whatever comes after it.
_KILLED = textwrap.dedent("""
    import os, signal
    from pipeline import cli, manifest

    finish = manifest.finish

    def the_last(*words, **options):
        finish(*words, **options)
        os.kill(os.getpid(), signal.SIGKILL)

    manifest.finish = the_last
    cli.main()
""")


def test_a_night_that_dies_right_after_its_manifest_is_over(archive):
    """Gone on with, it would spend under yesterday's ceiling, and write over the parts that the manifest names."""
    archive.environment["NIGHTSCRIBE_RUN_DISPATCHER_LEASE_S"] = "2"
    episodes = archive.put_episodes(2)
    archive.start_worker()
    command = [sys.executable, "-c", _KILLED, "nightly", archive.uri, "--max-cost", "1"]
    first = archive._spawn(command, "command.log", {"PYTHONPATH": str(REPOSITORY)})
    assert first.wait(90) == -signal.SIGKILL
    before = archive.manifest()
    folder = f"_nightscribe/runs/{before['run_id']}/"
    kept = {key: archive.read(key) for key in archive.keys(folder)}
    assert archive.keys("_nightscribe/open")

    episodes += archive.put_episodes(1, "next/")
    eventually(lambda: archive.redis.keys(f"{archive.bucket}:archive:*:dispatcher") == [], "its lease runs out")
    second = archive.run("nightly", archive.uri, "--max-cost", "1")

    assert second.returncode == 0, second.stderr
    after = archive.manifest()
    assert after["run_id"] != before["run_id"]
    assert after["this_run"]["by_state"] == {"done": 1}
    assert {key: archive.read(key) for key in archive.keys(folder)} == kept
    assert archive.keys("_nightscribe/open") == []
    assert archive.redis.smembers(f"{archive.bucket}:archives") == set()
    assert archive.bills_per_key() == dict.fromkeys(episodes, 1)


def test_a_night_that_writes_its_manifest_is_not_taken_for_dead(archive):
    archive.environment["NIGHTSCRIBE_RUN_DISPATCHER_LEASE_S"] = "4"
    episodes = archive.put_episodes(2)
    archive.start_worker()
    hold = archive.folder / "hold"
    hold.touch()
    command = [sys.executable, "-c", _AT_LENGTH, str(hold), "nightly", archive.uri]
    first = archive._spawn(command, "command.log", {"PYTHONPATH": str(REPOSITORY)})
    eventually((archive.folder / "at its end").exists, "all is transcribed")
    lease = archive.redis.keys(f"{archive.bucket}:archive:*:dispatcher")[0]
    token = archive.redis.get(lease)
    renewed = [archive.redis.pttl(lease)]

    def is_renewed_twice():
        """Or has run out."""
        renewed.append(archive.redis.pttl(lease))
        return sum(after > before for before, after in pairwise(renewed)) > 1 or renewed[-1] < 0

    eventually(is_renewed_twice, "the lease is renewed or has run out")
    second = archive.run("nightly", archive.uri)

    says(second, 5, "is alive")
    assert archive.redis.get(lease) == token
    hold.unlink()
    assert first.wait(90) == 0, archive.log("command.log")
    assert archive.redis.keys(lease) == []
    assert archive.bills_per_key() == dict.fromkeys(episodes, 1)


def test_a_night_whose_output_nobody_reads_goes_on_to_its_end(archive):
    """As in `nightscribe nightly --json 2>&1 | head -1`, which is in no place to say that all is done."""
    archive.put_episodes(2, "a/")
    archive.put_episodes(1, "b/")
    archive.put("b/zero bytes.mp3", b"")
    archive.start_worker()
    file = archive.folder / "archives.toml"
    file.write_text("".join(f'[[archive]]\nuri = "{archive.uri}{name}/"\n' for name in "ab"))
    reader, writer = os.pipe()
    os.close(reader)

    night = subprocess.run(
        [sys.executable, "-m", "pipeline", "nightly", "--json", "--archives", str(file)],
        env=archive.environment | {"NIGHTSCRIBE_RUN_PROGRESS_EVERY_S": "0.1"},
        cwd=REPOSITORY,
        stdout=writer,
        stderr=writer,
        check=False,
    )
    os.close(writer)

    assert night.returncode == 1, "the empty object"
    assert len(archive.bills_per_key()) == 3
