"""`python -m emulator crowd`: fills a bucket of a running stack and switches its emulator to the scripted engine."""

from __future__ import annotations

import argparse
import json
import sys
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from emulator.archive.crowd import small_objects
from emulator.stack.state import ENV, read_env

_UPLOADS_AT_ONCE = 8


def run(argv: list[str]) -> int:
    """Puts the objects and switches the engine. 0 when done, 1 when no stack answers."""
    options = _parser().parse_args(argv)
    try:
        environment = read_env(options.folder / ENV)
        _put(environment, options.bucket, options.objects)
        _switch(environment["NIGHTSCRIBE_FAL_QUEUE_URL"], options.service_s)
    except (OSError, urllib.error.URLError, BotoCoreError, ClientError) as error:
        sys.stderr.write(f"No stack answers in {options.folder} ({error}). Start one: make demo KEEP=1\n")
        return 1
    sys.stdout.write(
        f"{options.objects} recordings of three seconds are in s3://{options.bucket}/, and the emulator answers with "
        f"made-up words, each after {options.service_s:g} s.\n"
        f"  make worker NAME=second          a second worker, in another shell\n"
        f"  make flower                      watch them on http://127.0.0.1:5555, in another shell\n"
        f"  make backfill BUCKET={options.bucket}\n"
    )
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m emulator crowd", description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path(".demo"), help="the stack's folder (.demo)")
    parser.add_argument("--bucket", default="crowd", help="which bucket to fill (crowd)")
    parser.add_argument("--objects", type=int, default=300, metavar="N", help="how many recordings (300)")
    parser.add_argument("--service-s", type=float, default=0.3, help="seconds that each request takes (0.3)")
    return parser


def _put(environment: dict[str, str], bucket: str, count: int) -> None:
    session = boto3.Session(
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        region_name=environment["AWS_REGION"],
    )
    client = session.client("s3", endpoint_url=environment["AWS_ENDPOINT_URL"])
    if bucket not in {existing["Name"] for existing in client.list_buckets()["Buckets"]}:
        client.create_bucket(Bucket=bucket)

    def put(item: tuple[str, bytes]) -> None:
        client.put_object(Bucket=bucket, Key=item[0], Body=item[1])

    with ThreadPoolExecutor(_UPLOADS_AT_ONCE) as uploads:
        list(uploads.map(put, small_objects(count)))


def _switch(fal_url: str, service_s: float) -> None:
    body = json.dumps({"engine": "scripted", "service_s": service_s}).encode()
    request = urllib.request.Request(  # noqa: S310  the stack's own loopback address
        f"{fal_url}/emulator/engine", data=body, headers={"Content-Type": "application/json"}
    )
    urllib.request.urlopen(request).close()  # noqa: S310  as above
