"""A job on its way to fal by each delivery: which URL is sent, what its intent says, and what a lost reply costs."""

from __future__ import annotations

import builders
import pytest
import stages

from pipeline import errors, keys
from pipeline.models import Handling, IntentState, State
from pipeline.speech.memory import Script
from pipeline.transcribe import Later


@pytest.fixture
def house():
    return stages.House()


@pytest.fixture
def by_upload(house):
    house.job = house.job.model_copy(update={"handling": Handling(delivery="upload")})
    return house


@pytest.fixture
def by_public(house):
    house.settings = builders.settings(NIGHTSCRIBE_AUDIO_PUBLIC_URL="https://cdn.example.org/{key}")
    house.job = house.job.model_copy(update={"handling": Handling(delivery="public")})
    return house


def sent(house):
    return [url for _, url in house.transcriber.submits]


def acts(house):
    return [name for name, _ in house.transcriber.calls]


# Presigned.


def test_the_url_is_for_the_version_that_was_looked_at():
    house = stages.House(stages.HookedStorage(has_versions=True))
    version_id = house.storage.head("podcasts", "show/ep1.mp3").version_id

    assert house.work().row.state is State.DONE

    assert sent(house)[0].endswith(f"versionId={version_id}")
    assert house.job.object.version_id is None, "a listing tells none, and the job's id does not depend on it"


def test_where_no_versions_are_kept_the_url_names_none(house):
    house.work()

    assert "versionId" not in sent(house)[0]


def test_a_source_that_was_overwritten_after_it_was_planned_is_noticed_before_anything_is_paid():
    house = stages.House(stages.HookedStorage(has_versions=True))
    house.storage.put("podcasts", "show/ep1.mp3", b"another recording")

    row = house.work().row

    assert (row.state, row.reason) == (State.FAILED, "source_gone")
    assert sent(house) == []


# Uploads.


def test_a_job_is_uploaded_before_its_permit_and_sent_by_the_files_url(by_upload):
    held = []
    real = by_upload.transcriber.upload
    by_upload.transcriber.upload = lambda *what, **how: held.append(by_upload.held_permits) or real(*what, **how)

    assert by_upload.work().row.state is State.DONE

    assert held == [0]
    assert acts(by_upload)[:2] == ["upload", "submit"]
    intent = by_upload.intent()
    assert (intent.url_hash, intent.delivery) == (keys.url_hash(sent(by_upload)[0]), "upload")
    assert intent.url_expires_at is not None
    assert "canary" not in intent.model_dump_json()


def test_a_job_that_died_after_its_upload_uploads_again_and_pays_once(by_upload):
    by_upload.storage.on_intent_written = lambda: (_ for _ in ()).throw(KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        by_upload.work()
    by_upload.later(days=1)

    assert by_upload.work().row.state is State.DONE

    assert acts(by_upload).count("upload") == 2
    assert len(sent(by_upload)) == 1


def test_an_upload_that_waited_too_long_for_its_permit_is_made_again(by_upload):
    """What is left of its life must cover the start deadline."""
    take, waits = by_upload.permits.try_acquire, [{"hours": 5}, {}]

    def take_late(*what, **how):
        by_upload.later(**waits.pop(0))
        return take(*what, **how)

    by_upload.permits.try_acquire = take_late

    first = by_upload.work()

    assert isinstance(first, Later)
    assert (first.failure.reason, sent(by_upload), by_upload.held_permits) == ("url_too_old", [], 0)
    assert by_upload.work().row.state is State.DONE
    assert acts(by_upload).count("upload") == 2


def test_an_upload_that_fails_costs_nothing_and_is_tried_again(by_upload):
    def fail(*_, **__):
        raise errors.ServiceUnavailableError("away", "upload_failed")

    by_upload.transcriber.upload = fail

    assert isinstance(by_upload.work(), Later)
    assert (by_upload.intent(), by_upload.held_permits) == (None, 0)


def test_a_lost_reply_after_an_upload_is_found_by_the_files_url(by_upload):
    by_upload.script(Script(submit=errors.UncertainError("lost"), is_lost_but_accepted=True), Script())
    assert isinstance(by_upload.work(), Later)

    assert by_upload.work().row.state is State.DONE
    assert len(sent(by_upload)) == 1


# Public addresses.


def test_a_public_address_is_sent_as_it_is_and_its_intent_says_that_it_never_expires(by_public):
    assert by_public.work().row.state is State.DONE

    assert sent(by_public)[0].startswith("https://cdn.example.org/show/ep1.mp3?nightscribe=")
    assert (by_public.intent().delivery, by_public.intent().url_expires_at) == ("public", None)


def lose_the_reply(house, *, accepted):
    house.script(Script(submit=errors.UncertainError("lost"), is_lost_but_accepted=accepted), Script())
    assert isinstance(house.work(), Later)
    assert house.intent().state is IntentState.INTENDED


def test_a_lost_reply_at_a_public_address_is_found_by_its_nonce(by_public):
    lose_the_reply(by_public, accepted=True)

    assert by_public.work().row.state is State.DONE
    assert len(sent(by_public)) == 1


def test_at_a_public_address_no_time_makes_a_lost_reply_free_to_be_paid_again(by_public):
    lose_the_reply(by_public, accepted=False)

    for _ in range(3):
        by_public.later(days=30)
        row = by_public.work().row
        assert (row.state, row.reason) == (State.UNCERTAIN, "submit_reply_lost")
        assert "--allow-rebill" in row.message
    assert len(sent(by_public)) == 1


def test_a_person_may_agree_to_pay_again_for_a_public_address(by_public):
    lose_the_reply(by_public, accepted=False)
    by_public.later(days=1)
    agreed = by_public.job.model_copy(update={"run_id": "run2", "allow_rebill": True})

    assert by_public.work(agreed).row.state is State.DONE
    assert len(sent(by_public)) == 2
