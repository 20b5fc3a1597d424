"""The exporter, from outside: what it tells is what happened, by the ledger of fal's emulator and by the manifest."""

from __future__ import annotations

import socket
import urllib.error
import urllib.request

import pytest
from archives import Archive, end, eventually, says
from canaries import Canaries
from scraping import Exporter

pytestmark = [pytest.mark.e2e]

MODEL = "fal-ai/whisper"


def test_scrapes_during_and_after_a_run_tell_what_ledger_and_manifest_say(guarded):
    archive: Archive = guarded
    archive.environment["NIGHTSCRIBE_LIMITS_LEASE_S"] = "60"  # with a short one a busy machine sends a job twice
    episodes = archive.put_episodes(6)
    archive.put("odd/zero bytes.mp3", b"")
    archive.put("odd/no audio.mp3", b"x" * 5000)
    archive.fault({"on": "process", "key": episodes[-1], "do": {"delay_s": 3.0}})
    exporter = Exporter(archive, archive.uri)
    idle = exporter.scrape()
    worker = archive.start_worker(slots=5)
    run = archive.start("backfill", archive.uri, "--max-cost", "5")

    one_left = eventually(
        lambda: (told := exporter.scrape()).get("nightscribe_run_objects", {}).get((archive.uri, "done")) == 5 and told,
        "five are done, and the last one is with fal",
    )
    assert run.wait(60) == 1
    assert end(worker) == 0  # what it has counted stays
    ledger, manifest = archive.ledger(), archive.manifest()
    told = eventually(
        lambda: (told := exporter.scrape()).get("nightscribe_night_complete") is not None and told,
        "the manifest is read",
    )

    assert (idle["nightscribe_up"]["redis"], idle["nightscribe_queue_jobs"]) == (1, 0)
    assert "nightscribe_run_info" not in idle
    assert one_left["nightscribe_permits_held"] == one_left["nightscribe_run_outstanding_jobs"][archive.uri] == 1
    assert one_left["nightscribe_run_dispatcher_alive"][archive.uri] == 1
    assert one_left["nightscribe_run_ceiling_usd"][archive.uri] == 5
    assert list(one_left["nightscribe_worker_slots"].values()) == [5]

    answers = told["nightscribe_fal_answers_total"]
    assert answers["submit", "2xx"] == len(ledger["accepted"]) == 6
    assert answers["result", "2xx"] == len(ledger["bills"]) == 6
    assert told["nightscribe_settled_jobs_total"] == {(MODEL, "", "done"): 6, (MODEL, "not_audio", "failed"): 1}
    for name in ("fal_queue_seconds", "fal_run_seconds", "fal_service_seconds"):
        assert told[f"nightscribe_{name}_count"][MODEL] == 6
    assert told["nightscribe_fal_service_seconds_sum"][MODEL] >= 3
    assert told["nightscribe_permit_wait_seconds_count"] == told["nightscribe_rate_wait_seconds_count"] == 6

    totals = manifest["totals"]
    done = {archive.uri: totals["audio_s"]}
    assert told["nightscribe_manifest_audio_seconds"] == pytest.approx(done)
    assert told["nightscribe_settled_audio_seconds_total"][MODEL] == pytest.approx(totals["audio_s"], abs=0.001)
    assert told["nightscribe_settled_cost_usd_total"][MODEL] == pytest.approx(totals["cost_usd"])
    assert told["nightscribe_manifest_cost_usd"] == pytest.approx({archive.uri: totals["cost_usd"]})
    objects = {state: told["nightscribe_manifest_objects"][archive.uri, state] for state in totals["by_state"]}
    assert objects == totals["by_state"] == {"done": 6, "failed": 2}
    assert told["nightscribe_manifest_problems"] == {
        (archive.uri, reason): number for reason, number in totals["by_reason"].items()
    }
    assert told["nightscribe_run_phase"][archive.uri, "done"] == 1
    assert told["nightscribe_run_open"][archive.uri] == 0
    assert told["nightscribe_night_complete"][archive.uri] == 1
    # Two objects of it have failed, which is told above; nothing waits. The next one finds nothing to do.
    complete = told["nightscribe_complete_night_timestamp_seconds"][archive.uri]
    assert complete == told["nightscribe_night_finished_timestamp_seconds"][archive.uri]

    second = archive.run("backfill", archive.uri)
    assert second.returncode == 0, second.stderr
    eventually(
        lambda: exporter.scrape()["nightscribe_complete_night_timestamp_seconds"][archive.uri] > complete,
        "the second night is complete",
    )

    scrapes = "".join(exporter.seen)
    kept = archive.keys()
    assert not [key for key in kept if key in scrapes or key.rpartition("/")[2] in scrapes]
    assert Canaries(archive).leaks({"scrapes": scrapes.encode(), "its log": archive.log("command.log").encode()}) == []
    assert end(exporter.process) == 0


def test_an_emptied_redis_does_no_harm_to_exporter_or_run(archive):
    episodes = archive.put_episodes(6)
    archive.fault({"on": "process", "key": episodes[-1], "do": {"delay_s": 4.0}})
    exporter = Exporter(archive)
    worker = archive.start_worker()
    run = archive.start("backfill", archive.uri)
    eventually(
        lambda: exporter.scrape().get("nightscribe_settled_jobs_total", {}).get((MODEL, "", "done")) == 5,
        "five are counted",
    )

    archive.redis.delete(*archive.redis.keys(f"{archive.bucket}:*"))
    emptied = exporter.scrape()
    assert run.wait(60) == 0
    end(worker)
    told = exporter.scrape()

    assert emptied["nightscribe_up"]["redis"] == told["nightscribe_up"]["redis"] == 1
    assert archive.bills_per_key() == dict.fromkeys(episodes, 1)
    # It counts from zero again, as Prometheus expects of a counter: the last job, and those that are settled once more
    # out of their sidecars because their rows were lost.
    assert emptied.get("nightscribe_settled_jobs_total", {}).get((MODEL, "", "done"), 0) < 5
    assert 1 <= told["nightscribe_settled_jobs_total"][MODEL, "", "done"] <= 6
    assert told["nightscribe_run_phase"][archive.uri, "done"] == 1
    eventually(
        lambda: exporter.scrape().get("nightscribe_manifest_objects", {}).get((archive.uri, "done")) == 6,
        "the manifest is read, of an archive that nobody has named",
    )


def test_without_redis_a_scrape_still_tells_of_the_nights(archive):
    """One that refuses connections, and one that takes them and says nothing, as if it were frozen."""
    archive.put_episodes(2)
    archive.start_worker()
    assert archive.run("backfill", archive.uri).returncode == 0
    (archive.folder / "archives.toml").write_text(f'[[archive]]\nuri = "{archive.uri}"\n')

    with socket.create_server(("127.0.0.1", 0)) as silent:
        for port in (1, silent.getsockname()[1]):
            away = f"redis://127.0.0.1:{port}/0"
            exporter = Exporter(archive, "--archives", str(archive.folder / "archives.toml"), REDIS_URL=away)
            told = eventually(
                lambda exporter=exporter: (told := exporter.scrape())["nightscribe_up"].get("s3") is not None and told,
                "S3 was asked",
            )

            assert told["nightscribe_up"] == {"redis": 0, "s3": 1}
            assert told["nightscribe_night_objects"][archive.uri, "done"] == 2
            assert told["nightscribe_complete_night_timestamp_seconds"][archive.uri] > 0
            live = (
                "nightscribe_run",
                "nightscribe_queue",
                "nightscribe_permit",
                "nightscribe_fal",
                "nightscribe_settled",
            )
            assert not [name for name in told if name.startswith(live)]


def test_it_answers_two_paths_and_no_more(archive):
    exporter = Exporter(archive)

    def asked(path: str, method: str = "GET") -> tuple[int, bytes]:
        request = urllib.request.Request(f"{exporter.url}{path}", method=method)  # noqa: S310  loopback
        try:
            with urllib.request.urlopen(request) as answer:  # noqa: S310  loopback
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()

    assert asked("/healthz") == (200, b"ok\n")
    assert asked("/metrics?name[]=x")[0] == 200
    assert asked("/metrics", "HEAD") == (200, b"")
    assert [asked(path)[0] for path in ("/", "/metrics/", "/favicon.ico", "/..%2fetc")] == [404] * 4
    assert asked("/metrics", "POST")[0] == 501


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--archives", "nowhere.toml"), ("nowhere.toml", "cannot be read")),
        (("--archives", "any.toml", "s3://podcasts/"), ("--archives", "leave one of them out")),
        (("podcasts",), ("s3://",)),
        (("--port", "70000"), ("70000",)),
    ],
)
def test_what_it_cannot_do_is_one_message(archive, words, said):
    says(archive.run("metrics", *words), 2, *said)


def test_a_port_that_is_taken_is_one_message(archive):
    exporter = Exporter(archive)
    port = exporter.url.rpartition(":")[2]

    says(archive.run("metrics", "--port", port), 2, port, "Choose another")


def test_any_free_port_is_found_and_said(archive):
    process = archive.start("metrics", "--port", "0")

    said = eventually(lambda: "/metrics\n" in (text := archive.log("command.log")) and text, "it says where it listens")

    assert said.startswith("Metrics on http://127.0.0.1:")
    assert end(process) == 0
