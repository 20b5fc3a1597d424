"""A peer: fal's own client in a plain asyncio script with a semaphore, as its documentation shows it.

Lists the bucket, passes over what has a transcript, and transcribes the rest. Whoever fails is left for the next time.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys

import boto3
import fal_client
import fal_client.client

BUCKET = "archive"
SIDECAR = ".transcript.json"
PRESIGN_S = 3600

# The client's hosts are fixed to https; this is how it is pointed at another server without changing it.
fal_client.client.QUEUE_URL_FORMAT = f"{os.environ['FAL_URL']}/"
s3 = boto3.client("s3")


def missing() -> list[str]:
    """The keys that have no transcript yet."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
    keys = [entry["Key"] for page in pages for entry in page.get("Contents", ())]
    done = {key.removesuffix(SIDECAR) for key in keys if key.endswith(SIDECAR)}
    return [key for key in keys if not key.endswith(SIDECAR) and key not in done]


def has_transcript(key: str) -> bool:
    """Whether a transcript is there."""
    return "Contents" in s3.list_objects_v2(Bucket=BUCKET, Prefix=f"{key}{SIDECAR}")


def url_of(key: str) -> str:
    """What fal downloads."""
    return s3.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": key}, ExpiresIn=PRESIGN_S)


def store(key: str, answer: object) -> None:
    """Writes the transcript."""
    s3.put_object(Bucket=BUCKET, Key=f"{key}{SIDECAR}", Body=json.dumps(answer).encode())


async def main() -> None:
    """Transcribes everything once."""
    client = fal_client.AsyncClient()
    turns = asyncio.Semaphore(int(os.environ["PEER_AT_ONCE"]))

    async def transcribe(key: str) -> None:
        async with turns:
            try:
                answer = await client.subscribe("fal-ai/whisper", arguments={"audio_url": url_of(key)})
                await asyncio.to_thread(store, key, answer)
            except Exception as error:  # noqa: BLE001  one bad recording must not stop the others
                sys.stderr.write(f"{key}: {type(error).__name__}\n")

    await asyncio.gather(*map(transcribe, await asyncio.to_thread(missing)))


if __name__ == "__main__":
    asyncio.run(main())
