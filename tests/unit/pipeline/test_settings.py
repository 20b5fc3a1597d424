"""Settings: one default for each, sources in order, and messages that name the nearest known word."""

from __future__ import annotations

import pytest

from pipeline.errors import ConfigurationError
from pipeline.settings import fal_key, load_settings, shown
from pipeline.settings.loading import PROFILES


@pytest.mark.parametrize("profile", PROFILES)
def test_every_profile_is_complete_and_right(profile):
    assert load_settings({"NIGHTSCRIBE_PROFILE": profile}).settings.limits.concurrency >= 1


def test_later_sources_win_and_are_remembered(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text("[limits]\nconcurrency = 7\nsubmits_per_s = 3.0\n")

    loaded = load_settings(
        {
            "NIGHTSCRIBE_PROFILE": "local",
            "NIGHTSCRIBE_CONFIG": str(file),
            "NIGHTSCRIBE_LIMITS_SUBMITS_PER_S": "9",
        }
    )

    limits = loaded.settings.limits
    assert (limits.account, limits.concurrency, limits.submits_per_s) == ("local", 7, 9.0)
    assert loaded.origins["limits.account"] == "configs/local.toml"
    assert loaded.origins["limits.concurrency"] == str(file)
    assert loaded.origins["limits.submits_per_s"] == "NIGHTSCRIBE_LIMITS_SUBMITS_PER_S"
    assert loaded.origins["limits.overcommit"] == "configs/default.toml"


def test_redis_url_is_read_and_nightscribes_own_variable_wins():
    both = {"REDIS_URL": "redis://a:1/0", "NIGHTSCRIBE_REDIS_URL": "redis://b:2/0"}

    assert load_settings(both).settings.redis.url.get_secret_value() == "redis://b:2/0"
    assert load_settings({"REDIS_URL": "redis://a:1/0"}).settings.redis.url.get_secret_value() == "redis://a:1/0"


def test_a_list_in_the_environment_is_separated_by_commas():
    loaded = load_settings({"NIGHTSCRIBE_AUDIO_EXTENSIONS": "mp3, ogg"})

    assert loaded.settings.audio.extensions == ("mp3", "ogg")


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"NIGHTSCRIBE_LIMITS_CONCURENCY": "4"}, "NIGHTSCRIBE_LIMITS_CONCURRENCY"),
        ({"NIGHTSCRIBE_PROFILE": "prodution"}, "'production'"),
        ({"NIGHTSCRIBE_LIMITS_CONCURRENCY": "many"}, "limits.concurrency"),
        ({"NIGHTSCRIBE_LIMITS_CONCURRENCY": "0"}, "NIGHTSCRIBE_LIMITS_CONCURRENCY"),
        ({"NIGHTSCRIBE_CONFIG": "/nowhere/at/all.toml"}, "/nowhere/at/all.toml"),
        ({"NIGHTSCRIBE_QUEUE_LOW_WATER": "2000"}, "queue.high_water"),
        (
            {"NIGHTSCRIBE_FAL_START_TIMEOUT_S": "99999", "NIGHTSCRIBE_AUDIO_PRESIGN_EXPIRY_S": "99999"},
            "must be shorter than audio.presign_expiry_s",
        ),
        ({"NIGHTSCRIBE_FAL_START_TIMEOUT_S": "604800"}, "S3 allows 604800 s"),
        ({"NIGHTSCRIBE_FAL_QUEUE_URL": "queue.fal.run"}, "fal.queue_url"),
    ],
)
def test_what_is_wrong_is_said_with_its_name(environment, said):
    with pytest.raises(ConfigurationError) as caught:
        load_settings(environment)

    assert said in caught.value.message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[limits]\nconcurency = 4\n", "'limits.concurrency'"),
        ("[limit]\nconcurrency = 4\n", "'limits.concurrency'"),
        ("[limits\n", "not valid TOML"),
        ('[prices."fal-ai/whisper"]\nusd_per_hour = 1\n', "prices.fal-ai/whisper"),
    ],
)
def test_a_configuration_file_is_checked(tmp_path, text, said):
    file = tmp_path / "mine.toml"
    file.write_text(text)

    with pytest.raises(ConfigurationError) as caught:
        load_settings({"NIGHTSCRIBE_CONFIG": str(file)})

    assert said in caught.value.message
    assert str(file) in caught.value.message


def test_a_price_can_be_added_for_any_endpoint(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text('[prices."some/new/model"]\nusd_per_audio_hour = 0.25\n')

    prices = load_settings({"NIGHTSCRIBE_CONFIG": str(file)}).settings.prices

    assert prices["some/new/model"].usd_per_audio_hour == 0.25


def test_the_password_of_redis_is_never_shown():
    loaded = load_settings({"REDIS_URL": "redis://user:canary@host:6379/0"})

    assert ("redis.url", "redis://user:**********@host:6379/0", "REDIS_URL") in shown(loaded)
    assert "canary" not in repr(loaded)


@pytest.mark.parametrize("password", ["canary", "can/ary", "can@ary", ""])
def test_no_password_in_a_url_is_ever_shown(password):
    given = {"REDIS_URL": f"redis://u:{password}@h/0", "NIGHTSCRIBE_FAL_QUEUE_URL": "http://u:canary@h"}
    values = {name: value for name, value, _ in shown(load_settings(given))}

    assert values["redis.url"] == f"redis://u:{'**********' if password else ''}@h/0"
    assert values["fal.queue_url"] == "http://u:**********@h"


@pytest.mark.parametrize(
    ("environment", "key"),
    [
        ({"FAL_KEY": "a:b"}, "a:b"),
        ({"FAL_KEY_ID": "a", "FAL_KEY_SECRET": "b"}, "a:b"),
        ({"FAL_KEY": " ", "FAL_KEY_ID": "a"}, None),
        ({}, None),
    ],
)
def test_the_fal_key_is_read_as_fals_own_tools_read_it(environment, key):
    found = fal_key(environment)

    assert (found.get_secret_value() if found else None) == key
