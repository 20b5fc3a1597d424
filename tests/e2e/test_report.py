"""A run leaves its report beside the manifest, by itself; the command makes it anew. Real servers."""

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.e2e]

ODD = "<b>odd</b> & \u202egnp/ep.mp3"


def test_every_run_that_changes_something_leaves_its_report(archive, tmp_path):
    episodes = archive.put_episodes(3)
    archive.put(ODD, b"<!DOCTYPE html><html>not found</html>" * 30)
    archive.start_worker()

    first = archive.run("backfill", archive.uri)

    run_id = archive.manifest()["run_id"]
    key = f"_nightscribe/runs/{run_id}/report.html"
    assert f"  report     s3://{archive.bucket}/{key}\n" in first.stdout
    text = archive.read(key).decode()
    assert "&lt;b&gt;odd&lt;/b&gt; &amp; \\u202egnp/ep.mp3" in text
    assert not [secret for secret in ("X-Amz-", "Signature", "<b>odd") if secret in text]

    second = archive.run("backfill", archive.uri)

    assert second.returncode == 0, second.stderr
    assert "  report " not in second.stdout
    assert archive.read(key).decode() == text

    archive.put("new/ep.mp3", archive.read(episodes[0]) + b"\0")
    archive.put(episodes[1], archive.read(episodes[1]) + b"\0")
    archive.run("backfill", archive.uri)

    changes = archive.manifest()["changes"]
    assert {name: changes[name] for name in ("base_run_id", "new", "replaced", "gone", "newly_failing")} == {
        "base_run_id": run_id, "new": 1, "replaced": 1, "gone": 0, "newly_failing": 0,
    }  # fmt: skip
    file = tmp_path / "report.html"
    anew = archive.run("report", archive.uri, "--to", file)
    assert (anew.returncode, anew.stderr) == (0, "")
    assert f"Against run {run_id}" in file.read_text("utf-8")
