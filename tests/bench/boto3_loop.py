"""A peer: counts the keys of a bucket with boto3's own paginator, as anybody would write it. `boto3_loop.py BUCKET`."""

from __future__ import annotations

import sys

import boto3


def main(bucket: str) -> None:
    """Prints how many keys there are."""
    keys = 0
    for page in boto3.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for _ in page.get("Contents", ()):
            keys += 1
    sys.stdout.write(f"{keys}\n")


if __name__ == "__main__":
    main(sys.argv[1])
