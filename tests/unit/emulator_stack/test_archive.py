"""The sample archive: every object is what its row in the table says, and the vendored audio is what it was."""

import hashlib
import io
from importlib import resources

import av
import pytest

from emulator.archive import EPISODES, Expected, build, small_objects
from emulator.archive.clips import clips, original
from emulator.archive.encoding import Encoding
from emulator.archive.episodes import Damage

GOOD = [episode for episode in EPISODES if episode.duration_s is not None]
BROKEN = [episode for episode in EPISODES if episode.duration_s is None]


def decoded_s(body: bytes) -> float:
    with av.open(io.BytesIO(body), "r") as container:
        stream = container.streams.audio[0]
        return sum(frame.samples for frame in container.decode(stream)) / stream.rate


@pytest.mark.parametrize("episode", GOOD, ids=lambda episode: episode.key)
def test_an_episode_decodes_to_the_duration_stated(episode):
    body = build(episode)

    # A block of AAC is 43 ms at 24 kHz, and the last one is filled up.
    assert decoded_s(body) == pytest.approx(episode.duration_s, abs=0.05)


@pytest.mark.parametrize("episode", BROKEN, ids=lambda episode: episode.key)
def test_a_broken_object_does_not_open_as_audio(episode):
    with pytest.raises(av.error.InvalidDataError):
        decoded_s(build(episode))


def test_an_episode_is_the_same_bytes_each_time():
    """ETags stay the same, so that a second run recognises every object."""
    short = [episode for episode in EPISODES if episode.clips[:1] in {("austen-5",), ("austen-1",)}]

    assert [build(episode) for episode in short] == [build(episode) for episode in short]


def test_the_archive_has_everything_that_the_demo_needs():
    durations = [episode.duration_s or 0 for episode in EPISODES]

    assert len({episode.key for episode in EPISODES}) == len(EPISODES)
    assert [episode.expected for episode in EPISODES].count(Expected.DONE) >= 12
    assert {episode.damage for episode in EPISODES} == {None, *Damage}
    assert {episode.encoding for episode in EPISODES} == set(Encoding)
    assert max(durations) >= 300
    assert any(" " in episode.key for episode in EPISODES)
    assert any(not episode.key.isascii() for episode in EPISODES)


def test_only_what_is_heard_has_a_reference_text():
    for episode in EPISODES:
        assert (episode.reference is not None) == (episode.expected is Expected.DONE)


def test_each_clip_has_a_text_and_lies_in_the_package():
    folder = resources.files("emulator.archive")
    names = {entry.name for entry in folder.joinpath("clips").iterdir()}

    assert names == {clip.file for clip in clips().values()}
    assert all(clip.text for clip in clips().values())
    assert all(name.split("-")[0] in folder.joinpath("LICENCES.md").read_text("utf-8") for name in names)
    assert sum(len(original(name)) for name in clips()) < 2_000_000


def test_the_sonnets_are_byte_for_byte_what_their_source_published():
    licences = resources.files("emulator.archive").joinpath("LICENCES.md").read_text("utf-8")

    for name in ("sonnet-1", "sonnet-2", "sonnet-3"):
        assert hashlib.sha256(original(name)).hexdigest() in licences


def test_small_objects_are_valid_all_different_and_independent_of_their_number():
    objects = dict(small_objects(50, shows=4))

    assert len({hashlib.md5(body).digest() for body in objects.values()}) == 50  # noqa: S324  as S3's ETags
    assert len({key.split("/")[0] for key in objects}) == 4
    assert max(len(body) for body in objects.values()) < 10_000
    assert decoded_s(objects["show 003/episode 000047.mp3"]) == pytest.approx(2.99, abs=0.05)
    assert dict(small_objects(3, shows=4)).items() <= objects.items()
