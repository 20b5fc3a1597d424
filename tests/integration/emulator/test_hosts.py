"""One port, five of fal's hosts: told apart by a target URL or, through the tunnel, by their names."""

import ssl

import httpx
import pytest

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def reachable(start_fal):
    return start_fal("--engine", "scripted", "--service-s", "0.01", with_tunnel=True)


@pytest.fixture
def through(reachable):
    """A client of the tunnel that trusts its authority."""
    context = ssl.create_default_context(cafile=reachable.ca_file)
    headers = dict(reachable.http.headers)
    with httpx.Client(proxy=reachable.tunnel_url, verify=context, trust_env=False, headers=headers) as client:
        yield client


def test_a_target_url_names_host_path_and_query(fal, tone):
    def at(url, method="POST", **more):
        return fal.http.request(method, "/anything?else=1", headers={"x-fal-target-url": url}, **more)

    submitted = at("https://queue.fal.run/fal-ai/whisper?fal_max_queue_length=5", json={"audio_url": tone})
    ran = at("https://fal.run/fal-ai/whisper", json={"audio_url": tone})
    token = at("https://rest.fal.ai/storage/auth/token?storage_type=fal-cdn-v3", json={})
    prices = at("https://api.fal.ai/v1/models/pricing?endpoint_id=fal-ai/whisper", "GET")

    assert submitted.json()["status"] == "IN_QUEUE"
    assert ran.json()["text"]
    assert token.json()["base_url"] == fal.url  # the caller came without fal's names, and goes on so
    assert prices.json()["prices"][0]["unit"] == "compute seconds"


@pytest.mark.parametrize("url", ["https://example.com/fal-ai/whisper", "https://queue.fal.run.evil/x", "nothing", ""])
def test_a_target_that_is_not_fals_is_refused(fal, url):
    answer = fal.http.post("/fal-ai/whisper", headers={"x-fal-target-url": url})

    assert (answer.status_code, answer.headers["x-emulator"]) == (400, "nightscribe")


@pytest.mark.parametrize(
    "url",
    [
        "https://queue.fal.run/storage/auth/token?storage_type=fal-cdn-v3",
        "https://rest.fal.ai/fal-ai/whisper",
        "https://fal.run/v1/models/pricing/estimate",
        "https://api.fal.ai/emulator/reset",
    ],
)
def test_each_host_has_its_own_paths_only(fal, url):
    assert fal.http.post("/", json={}, headers={"x-fal-target-url": url}).status_code == 404


def test_through_the_tunnel_every_url_bears_fals_names(through, reachable, tone):
    status = through.post("https://queue.fal.run/fal-ai/whisper", json={"audio_url": tone}).json()
    token = through.post("https://rest.fal.ai/storage/auth/token?storage_type=fal-cdn-v3", json={}).json()

    request_url = f"https://queue.fal.run/fal-ai/whisper/requests/{status['request_id']}"
    assert (status["response_url"], status["cancel_url"]) == (request_url, f"{request_url}/cancel")
    assert through.get(status["status_url"]).json()["request_id"] == status["request_id"]
    assert token["base_url"] == "https://v3.fal.media"


@pytest.mark.parametrize("url", ["https://example.com/", "https://queue.fal.run:8443/"])
def test_the_tunnel_leads_nowhere_else(through, url):
    with pytest.raises(httpx.ProxyError, match="403"):
        through.get(url)


def test_a_lost_reply_is_lost_in_the_tunnel_too(through, reachable, tone):
    reachable.faults({"on": "submit", "times": 1, "do": "lose_reply"})

    with pytest.raises(httpx.TransportError):
        through.post("https://queue.fal.run/fal-ai/whisper", json={"audio_url": tone})
