"""The local server: what it hands out, to whom, and what it says when something is not there."""

from __future__ import annotations

from dataclasses import replace

import pytest
from finished import BUCKET

from pipeline.errors import ConfigurationError, ServiceUnavailableError
from pipeline.player import PlayerServer
from pipeline.player import serving as serving_module

KEY = "shows/épisode 1.mp3"
AUDIO = bytes(range(256)) * 10


def test_the_page_comes_with_what_keeps_it_here(shown):
    answer, body = shown.ask(shown.path)

    policy = answer.headers["Content-Security-Policy"]
    assert answer.status == 200
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert b"pisode 1.mp3" in body


def test_each_look_at_the_page_has_a_nonce_of_its_own(shown):
    policies = {shown.ask(shown.path)[0].headers["Content-Security-Policy"] for _ in range(3)}

    assert len(policies) == 3


@pytest.mark.parametrize("path", ["/", "/audio", "/x/audio", "/x/", "//", "/%2e%2e/", "/favicon.ico"])
def test_whoever_does_not_know_the_path_gets_nothing(shown, path):
    answer, body = shown.ask(path)

    assert answer.status == 404
    assert KEY.encode() not in body
    assert "Location" not in answer.headers


def test_nothing_but_page_and_recording_lies_under_the_path(shown):
    statuses = [shown.ask(shown.path + rest)[0].status for rest in ("x", "audio/", "../audio", "audio/x", "page.js")]

    assert set(statuses) == {404}
    assert shown.ask(shown.path.rstrip("/"))[0].status == 404


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "localhost:1", "", "[::1]:{port}"]
)
def test_a_foreign_name_that_leads_here_is_refused(shown, host):
    answer, body = shown.ask(shown.path, Host=host.format(port=shown.server.server_port))

    assert answer.status == 403
    assert KEY.encode() not in body


def test_localhost_is_a_name_of_it_too(shown):
    assert shown.ask(shown.path, Host=f"localhost:{shown.server.server_port}")[0].status == 200


def test_the_way_in_is_closed_behind_the_first(shown):
    entry = shown.server.entry_url.removeprefix(f"http://127.0.0.1:{shown.server.server_port}")

    first, _ = shown.ask(entry)
    second, _ = shown.ask(entry)

    assert shown.path.strip("/") not in entry
    assert (first.status, first.headers["Location"]) == (303, shown.server.url)
    assert (second.status, second.headers["Location"]) == (404, None)
    assert shown.ask("/None")[0].status == 404


@pytest.mark.parametrize(
    ("header", "cut"), [("bytes=0-", slice(0, None)), ("bytes=5-9", slice(5, 10)), ("bytes=-7", slice(-7, None))]
)
def test_a_part_of_the_recording_is_handed_out(shown, monkeypatch, header, cut):
    monkeypatch.setattr(serving_module, "_PIECE_BYTES", 100)  # so that there are several

    answer, body = shown.ask(f"{shown.path}audio", Range=header)

    assert (answer.status, body) == (206, AUDIO[cut])
    start, stop, _ = cut.indices(len(AUDIO))
    assert answer.headers["Content-Range"] == f"bytes {start}-{stop - 1}/{len(AUDIO)}"
    assert answer.headers["Content-Type"] == "audio/mpeg"


def test_the_whole_recording_is_handed_out_and_its_head_without_it(shown):
    whole, body = shown.ask(f"{shown.path}audio")
    head, nothing = shown.ask(f"{shown.path}audio", "HEAD")

    assert (whole.status, body, nothing) == (200, AUDIO, b"")
    assert whole.headers["Accept-Ranges"] == "bytes"
    assert head.headers["Content-Length"] == whole.headers["Content-Length"] == str(len(AUDIO))


def test_a_part_of_another_version_is_the_whole_of_this_one(shown):
    same, part = shown.ask(f"{shown.path}audio", Range="bytes=0-1", If_Range=f'"{shown.etag}"')
    other, whole = shown.ask(f"{shown.path}audio", Range="bytes=0-1", If_Range='"other"')

    assert (same.status, part) == (206, AUDIO[:2])
    assert (other.status, whole) == (200, AUDIO)


def test_a_part_behind_the_end_is_refused_with_the_size(shown):
    answer, _ = shown.ask(f"{shown.path}audio", Range="bytes=99999-")

    assert (answer.status, answer.headers["Content-Range"]) == (416, f"bytes */{len(AUDIO)}")


def test_a_recording_that_has_gone_leaves_the_page_with_a_word_about_it(shown):
    shown.archive.storage.delete(BUCKET, KEY)

    page = shown.ask(shown.path)[1].decode()

    assert "no longer in S3" in page
    assert "<audio" not in page
    assert shown.ask(f"{shown.path}audio")[0].status == 404


def test_a_recording_that_was_replaced_is_played_and_said(shown):
    assert "replaced since" not in shown.ask(shown.path)[1].decode()

    shown.archive.storage.put(BUCKET, KEY, b"another take")

    assert "replaced since" in shown.ask(shown.path)[1].decode()
    assert shown.ask(f"{shown.path}audio")[1] == b"another take"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ServiceUnavailableError("S3 is away: https://s3/x?X-Amz-Signature=abcdef"), 502),
        (ConfigurationError("There is no transcript any more.", "no_transcript"), 404),
    ],
)
def test_what_fails_is_said_without_secrets(shown, error, status):
    def fails():
        raise error

    shown.server.player = replace(shown.server.player, load=fails)

    answer, body = shown.ask(shown.path)

    assert answer.status == status
    assert error.message.partition(":")[0].encode() in body
    assert b"abcdef" not in body


def test_a_port_that_is_taken_is_said(shown):
    with pytest.raises(ConfigurationError, match=r"Cannot listen on 127\.0\.0\.1 port \d+ .* Choose another --port"):
        PlayerServer(shown.server.player, shown.server.server_port)


def test_nobody_is_told_on_the_terminal_what_was_asked_for(shown, capfd):
    shown.ask(shown.path)
    shown.ask("/x")

    assert capfd.readouterr() == ("", "")
