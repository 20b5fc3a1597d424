"""The benchmark itself, small: that it measures what it says, finds broken bounds, and draws what it found."""

from __future__ import annotations

import json
import re
import sys

import pytest
from bench import __main__ as front_door
from bench import night, remembered
from bench.archive import Archive
from bench.measuring import MeasuringError, measure
from bench.stand import Counts

from pipeline import manifest
from pipeline.models import Place


def counts(**operations):
    """What a server counted beside the right number of pages."""
    areas = operations.pop("areas", {})
    return Counts({"list": 4} | operations, areas, {night.BUCKET: 3999})


@pytest.mark.e2e
def test_a_small_benchmark_measures_everything_keeps_its_bounds_and_draws_a_plot(tmp_path, capsys):
    out, image = tmp_path / "results.json", tmp_path / "scale.svg"
    sizes = ["--sizes", "2000", "--new", "10", "--rounds", "1", "--latencies-ms", "0"]

    code = front_door.main(["scale", *sizes, "--folder", str(tmp_path / "work"), "--out", str(out)])

    said = capsys.readouterr().out
    assert code == 0, said
    results = json.loads(out.read_text())
    (found,), (backfill,) = results["night"], results["first_backfill"]
    assert [row["contestant"] for row in found["listings"]] == [each.name for each in night.CONTESTANTS]
    for row in found["listings"]:
        # In ranges a plan may ask for some pages more; whether it reads in ranges depends on how busy the machine is.
        asked = row["operations"]["list"]
        assert asked >= 4 if row["contestant"] == "nightscribe plan" else asked == row["pages_needed"] == 4
        assert row["peak_mb"] > 10
        assert row["wall_s"] > 0
    before, whole = found["run"]["before_submission"], found["run"]["operations"]
    assert all(before[name] <= whole[name] for name in before)
    assert sum(before.values()) < sum(whole.values())
    assert before["list"] >= 4
    assert backfill["objects"] == 2000
    assert backfill["operations"]["list"] >= 2
    assert "| 2,000   | 0           | s5cmd ls" in said
    assert "A night with 10 new of 2,000 objects" in said

    assert front_door.main(["plot", str(out), str(image)]) == 0
    drawn = image.read_bytes()
    assert b"<svg" in drawn
    assert front_door.main(["plot", str(out), str(image)]) == 0
    assert image.read_bytes() == drawn  # so that it can be committed


def test_the_manifest_of_the_night_before_remembers_all_but_what_is_new(archive_server, storage):
    archive = Archive("remembered", objects=250, new=10, recipe=remembered.usual_recipe().hash)
    archive_server.make("remembered", objects=250, new=10, recipe=archive.recipe)

    written = remembered.remember(archive_server, archive, part_rows=100)

    place = Place(bucket="remembered")
    last = manifest.read_latest(storage, place, place)
    rows = list(manifest.read_rows(storage, last))
    assert last == written
    assert [part.rows for part in last.parts] == [100, 100, 40]
    assert [row.key for row in rows] == [archive.key(number) for number in range(250) if not archive.is_new(number)]
    listed = {entry.key: entry.etag for entry in storage.list("remembered", "shows/")}
    assert all(listed[row.key] == row.etag and listed[row.sidecar_key] == row.sidecar_etag for row in rows)
    assert last.totals.by_state == {"done": 240}
    assert last.totals.words == sum(row.words for row in rows)


@pytest.mark.parametrize(
    ("found", "fault"),
    [
        (counts(head=1, areas={"sidecar": 1}), "1 HEAD requests"),
        (counts(get=31, areas={"state": 31}), "31 other requests"),
        (counts(list=35), "35 LIST requests in all, where 4 pages"),
        (counts(get=61, areas={"intent": 31, "audio": 30}), "more than 3 for each of 20"),
    ],
)
def test_a_run_that_asks_too_much_is_told_in_words(found, fault):
    (said,) = [said for said in night.run_faults("in all", found, pages=4, new=20) if fault in said]

    assert "in all" in said


def test_a_run_within_its_bounds_has_no_faults():
    found = counts(get=70, areas={"state": 10, "intent": 60})

    assert night.run_faults("in all", found, pages=4, new=20) == []


def test_a_plan_in_one_stream_asks_for_each_page_once():
    assert night.plan_faults(night.ONE_STREAM, counts()) == []
    assert night.plan_faults("nightscribe plan", counts(list=20)) == []
    (fault,) = night.plan_faults(night.ONE_STREAM, counts(list=5))
    assert "5 LIST requests in one stream, where 4 pages" in fault


def test_a_broken_bound_is_the_exit_code(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(front_door, "scale", lambda *_: ["7 HEAD requests"])

    assert front_door.main(["scale", "--out", str(tmp_path / "results.json")]) == 1
    assert "BROKEN: 7 HEAD requests" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["--sizes", "0"], ["--parts", "third"], ["--sizes", "many"], ["--shape", "round"]])
def test_a_wrong_option_is_refused(words, capsys):
    with pytest.raises(SystemExit) as caught:
        front_door.main(["scale", *words])

    assert caught.value.code == 2
    assert words[0] in capsys.readouterr().err


def test_memory_is_the_programs_own_and_not_its_starters(tmp_path):
    held = bytearray(b"x" * 300_000_000)
    environment = {"PATH": "/usr/bin"}

    small = measure([sys.executable, "-I", "-S", "-c", "pass"], environment, tmp_path / "small")
    program = "held = bytearray(b'x' * 100_000_000); print(len(held))"
    large = measure([sys.executable, "-I", "-S", "-c", program], environment, tmp_path / "large")

    assert len(held) == 300_000_000
    assert small.peak_mb < 100 <= large.peak_mb < 300
    assert large.stdout.read_text() == "100000000\n"
    assert large.wall_s > 0


def test_a_program_that_fails_is_named_with_what_it_said(tmp_path):
    with pytest.raises(MeasuringError) as caught:
        measure([sys.executable, "-c", "raise SystemExit('no such bucket')"], {}, tmp_path)

    assert re.search(r"ended with 1; .*log says:\nno such bucket", str(caught.value))
