"""`python -m emulator demo`: sets up stack and archive, runs `nightscribe` twice, shows and judges the results."""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import boto3

from emulator.archive import EPISODES, build
from emulator.demo import acceptance
from emulator.demo.accuracy import measure
from emulator.demo.results import Archive, NothingWrittenError, count_fal_calls, read_archive
from emulator.demo.show import Screen, expected_counts
from emulator.stack import BUCKET, StackError
from emulator.stack.background import BackgroundStack, stop_stack
from emulator.stack.processes import HAS_DEATH_SIGNAL, tied_to_us

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_BACKFILL = ("backfill", f"s3://{BUCKET}/", "--formats", "vtt,srt,txt")
_EXCERPT = EPISODES[1]
_INTERRUPTED = 130  # 128 + SIGINT, as shells say it
_CLI_END_TIMEOUT_S = 10.0


def run(argv: list[str]) -> int:
    """0 when everything was as it must be, 1 with what was not, 130 after Ctrl-C. Leaves processes only with --keep."""
    options = _parser().parse_args(argv)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    screen = Screen()
    stack: BackgroundStack | None = None
    keeps = False
    try:
        stack = _set_up(screen, options.folder, keep=options.keep)
        problems = _show_pipeline(screen, stack)
        keeps = options.keep and not problems
        _say_what_next(screen, options.folder, keeps=keeps)
    except KeyboardInterrupt:
        screen.say("\nInterrupted; stopping the stack.")
        return _INTERRUPTED
    except (StackError, NothingWrittenError) as error:
        screen.say(f"\nThe demo failed. {error}\nThe logs are in {options.folder / 'logs'}.")
        return 1
    finally:
        if stack is not None and not keeps:
            stack.stop()
    return 1 if problems else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m emulator demo", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave the stack and its worker running for a look around")
    parser.add_argument("--folder", type=Path, default=Path(".demo"), help="holds all data and logs (.demo)")
    return parser


def _set_up(screen: Screen, folder: Path, *, keep: bool) -> BackgroundStack:
    screen.step("The stack: Redis, S3, an emulation of fal with a real speech model, and one worker")
    if stop_stack(folder):
        screen.say(f"   The stack of an earlier demo was still running in {folder}; it has been stopped.")
    began = time.monotonic()
    with screen.console.status("starting"):
        stack = BackgroundStack(folder, ["--workers", "1"], outlives_us=keep)
    screen.facts({**stack.facts, "up in": f"{time.monotonic() - began:.1f} s"})
    return stack


def _show_pipeline(screen: Screen, stack: BackgroundStack) -> list[str]:
    """Runs and shows everything; returns what is wrong."""
    client = _s3_client(stack)
    _fill(screen, client)
    fal_url = stack.environment["NIGHTSCRIBE_FAL_QUEUE_URL"]

    screen.step("The run")
    first_exit = _nightscribe(screen, stack)
    archive = read_archive(client, BUCKET, [episode.key for episode in EPISODES])
    calls_after_first = count_fal_calls(fal_url)
    problems = _show_results(screen, archive)

    screen.step("The same run again: everything is there already")
    second_exit = _nightscribe(screen, stack)
    calls_after_second = count_fal_calls(fal_url)
    screen.say(
        f"   fal calls, by the emulator's ledger: {calls_after_first} in the first run, "
        f"{calls_after_second - calls_after_first} in the second."
    )
    runs = acceptance.Runs(first_exit, second_exit, calls_after_first, calls_after_second)
    problems += acceptance.run_problems(runs, EPISODES)
    screen.step("The verdict")
    screen.problems(problems)
    return problems


def _fill(screen: Screen, client: S3Client) -> None:
    screen.step(f"The archive s3://{BUCKET}/: {expected_counts(EPISODES)}")
    sizes = {}
    with screen.console.status("encoding") as status:
        for number, episode in enumerate(EPISODES, 1):
            status.update(f"encoding and uploading {number} of {len(EPISODES)}")
            body = build(episode)
            client.put_object(Bucket=BUCKET, Key=episode.key, Body=body)
            sizes[episode.key] = len(body)
    screen.objects(EPISODES, sizes)


def _show_results(screen: Screen, archive: Archive) -> list[str]:
    screen.step("What became of each object, from the manifest")
    screen.rows(archive.rows)
    screen.step("Word error rate against the reference texts")
    accuracy = measure(acceptance.compared_texts(EPISODES, archive.texts))
    screen.accuracy(accuracy, acceptance.MAX_WORD_ERROR_RATE)
    if sidecar := archive.sidecars.get(_EXCERPT.key):
        screen.step("One transcript, the beginning")
        screen.excerpt(_EXCERPT.key, sidecar)
    screen.step("The manifest's totals")
    screen.totals(archive)
    return [
        *acceptance.row_problems(EPISODES, archive.rows, archive.sidecars),
        *acceptance.accuracy_problems(accuracy),
    ]


def _say_what_next(screen: Screen, folder: Path, *, keeps: bool) -> None:
    screen.step("Where to look next")
    if not keeps:
        screen.say("   make demo KEEP=1    the same, and leaves the stack and its worker running for a look around")
        screen.say(f"   {folder}/logs          what the servers and the worker wrote")
        return
    screen.say("   The stack and its worker are still running.")
    screen.say(f"   set -a; . {folder}/env; set +a; . .venv/bin/activate    lets this shell use them; then")
    screen.say(f"   nightscribe show 's3://{BUCKET}/{_EXCERPT.key}'    reads a transcript")
    screen.say("   make flower    one row per episode, at http://127.0.0.1:5555")
    screen.say("   make crowd     300 more recordings, for make backfill BUCKET=crowd")
    screen.say("   make stop      ends everything")


def _nightscribe(screen: Screen, stack: BackgroundStack) -> int:
    """Runs the real command on this terminal and returns its exit code."""
    screen.console.print(f"   [bold]$ nightscribe {' '.join(_BACKFILL)}[/bold]")
    command = [sys.executable, "-m", "pipeline", *_BACKFILL]
    # In our own session, unlike the servers: it shares the terminal, and gets Ctrl-C from it as we do.
    command = tied_to_us(command) if HAS_DEATH_SIGNAL else command
    with subprocess.Popen(command, env=stack.process_environment()) as process:  # noqa: S603  our own program
        try:
            code = process.wait()
        except KeyboardInterrupt:
            try:
                process.wait(_CLI_END_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
            raise
    if code == _INTERRUPTED:
        raise KeyboardInterrupt  # it took the Ctrl-C that was meant for all of us
    return code


def _s3_client(stack: BackgroundStack) -> S3Client:
    variables = stack.environment
    session = boto3.Session(
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
        region_name=variables["AWS_REGION"],
    )
    return session.client("s3", endpoint_url=variables["AWS_ENDPOINT_URL"])
