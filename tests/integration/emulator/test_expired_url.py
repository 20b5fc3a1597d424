"""A presigned URL that expires before fal opens it: the request fails and is not billed. The S3 server is real."""

import httpx
import pytest
from archives import eventually

pytestmark = pytest.mark.integration

HOLD_S = 3  # longer than the URL is valid; S3 counts in whole seconds


@pytest.fixture
def queue(archive):
    """fal's queue with the key of this archive."""
    headers = {"authorization": f"Key {archive.environment['FAL_KEY']}"}
    with httpx.Client(base_url=archive.servers.fal_url, headers=headers, timeout=20, trust_env=False) as client:
        yield client


@pytest.mark.parametrize("expires", ["while it is queued", "before it is submitted"])
def test_a_request_whose_url_has_expired_fails_unbilled(archive, queue, expires):
    (key,) = archive.put_episodes(1)
    what = {"Bucket": archive.bucket, "Key": key}
    url = archive.client.generate_presigned_url("get_object", Params=what, ExpiresIn=1)
    if expires == "while it is queued":
        archive.fault({"on": "process", "do": {"hold_s": HOLD_S}})
    else:
        eventually(lambda: httpx.get(url, trust_env=False).status_code == 403, "the URL has expired")

    accepted = queue.post("/fal-ai/whisper", json={"audio_url": url})
    status_url = accepted.json()["status_url"]
    eventually(lambda: queue.get(status_url).json()["status"] == "COMPLETED", "the request has ended")
    result = queue.get(accepted.json()["response_url"])

    assert accepted.status_code == 200
    assert (result.status_code, result.json()["detail"][0]["type"]) == (422, "file_download_error")
    assert result.headers["x-fal-billable-units"] == "0"
    assert len(archive.ledger()["accepted"]) == 1
    assert archive.ledger()["bills"] == []
    archive.fault()
