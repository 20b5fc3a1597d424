"""fal's prices from its own list to the sidecar, and what fal may keep, from outside."""

from __future__ import annotations

import urllib.request

import pytest
from archives import says

pytestmark = [pytest.mark.e2e]

SCRIBE = "fal-ai/elevenlabs/speech-to-text"


@pytest.fixture
def machine(tmp_path):
    """Where one machine keeps what fal has told; workers are on others."""
    return {"XDG_STATE_HOME": str(tmp_path)}


def test_a_ceiling_holds_by_fals_own_price_on_workers_that_know_none(archive, machine):
    episodes = archive.put_episodes(6)
    archive.start_worker()
    of_scribe = [archive.uri, "--model", SCRIBE]

    unknown = archive.run("backfill", *of_scribe, "--max-cost", "1", **machine)
    begun = archive.keys("_nightscribe/")
    told = archive.run("models", "--refresh-prices", **machine)
    planned = archive.run("plan", *of_scribe, **machine)
    first = archive.run("backfill", *of_scribe, "--max-cost", "0.004", **machine)  # each takes 0.0015 USD

    says(unknown, 2, "--refresh-prices", "--max-audio-hours")
    assert begun == []
    assert told.returncode == 0, told.stderr
    assert "1.8 USD, by fal on" in told.stdout
    assert "fal's price of 20" in planned.stdout
    says(first, 3, "2 objects were transcribed", "4 are left")
    second = archive.run("backfill", *of_scribe, "--max-cost", "1", **machine)
    assert second.returncode == 0, second.stderr
    assert "price      fal's price of 20" in second.stdout
    assert archive.bills_per_key() == dict.fromkeys(episodes, 1)
    costs = [archive.sidecar(key)["cost"] for key in episodes]
    assert {cost["basis"] for cost in costs} == {"fal's own measure, at 0.03 USD per billable unit"}
    assert archive.manifest()["totals"]["cost_usd"] == pytest.approx(sum(cost["usd"] for cost in costs))


def test_whisper_has_a_configured_price_or_none(archive, machine):
    archive.put_episodes(1)

    told = archive.run("models", "--refresh-prices", **machine)
    configured = archive.run("plan", archive.uri, **machine)
    bare = archive.run("backfill", archive.uri, "--max-cost", "1", NIGHTSCRIBE_PROFILE="default", **machine)

    assert "fal-ai/whisper: fal lists 0 USD per compute seconds" in told.stderr
    assert "configured price of 0.07 USD" in configured.stdout
    says(bare, 2, "fal-ai/whisper", "usd_per_audio_hour")


def test_fals_copies_are_deleted_once_the_sidecar_is_written(archive):
    (episode,) = archive.put_episodes(1)
    archive.start_worker()

    done = archive.run("backfill", archive.uri, "--delete-payloads")

    assert done.returncode == 0, done.stderr
    request = archive.sidecar(episode)["request"]
    key = archive.environment["FAL_KEY"]
    query = f"endpoint_id=fal-ai/whisper&request_id={request['request_id']}&expand=payloads"
    url = f"{archive.servers.fal_url}/v1/models/requests/by-endpoint?{query}"
    asked = urllib.request.Request(url, headers={"Authorization": f"Key {key}"})  # noqa: S310  loopback
    with urllib.request.urlopen(asked) as answer:  # noqa: S310  loopback
        shown = answer.read().decode()
    assert request["request_id"] in shown
    assert "audio_url" not in shown


def test_a_lost_reply_that_no_history_can_show_stays_uncertain_and_is_paid_once(archive):
    archive.put_episodes(1)
    archive.fault({"on": "submit", "times": 1, "do": "lose_reply"})
    soon = {"NIGHTSCRIBE_FAL_SUBMIT_TIMEOUT_S": "2"}
    archive.start_worker(**soon)

    first = archive.run("backfill", archive.uri, "--no-store-io", **soon)
    again = archive.run("backfill", archive.uri, **soon)
    retried = archive.run("retry-failed", archive.uri, **soon)

    assert [outcome.returncode for outcome in (first, again, retried)] == [1, 1, 1], first.stderr
    (row,) = archive.rows()
    assert (row["state"], row["reason"]) == ("uncertain", "not_stored")
    assert len(archive.ledger()["accepted"]) == 1
    explained = archive.run("explain", f"{archive.uri}{row['key']}")
    assert "--no-store-io" in explained.stdout
