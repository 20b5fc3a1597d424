"""The examples of a schedule: what cron, systemd and Kubernetes make of them. That they run is in tests/e2e."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import kubernetes_validate
import night_examples
import pytest
import yaml
from click.testing import CliRunner
from night_examples import EXAMPLES, PROGRAMS

from pipeline.cli.nightly import nightly
from pipeline.errors import EXIT_DEADLINE, EXIT_RUN_ACTIVE
from pipeline.nights import next_moment

SYSTEMD = shutil.which("systemd-analyze")
needs_systemd = pytest.mark.skipif(SYSTEMD is None, reason="systemd-analyze, of the package systemd, is not installed")

(ON_CALENDAR,) = (value for name, value in night_examples.unit("nightscribe.timer")["Timer"] if name == "OnCalendar")
_, SHOWN, ZONE = ON_CALENDAR.split()
CLOCK = SHOWN.removesuffix(":00")


def analyze(*words):
    return subprocess.run([SYSTEMD, *words], capture_output=True, text=True, check=False)


def after_the_program(words):
    """What follows `nightscribe`."""
    return words[[word.rpartition("/")[2] for word in words].index("nightscribe") + 1 :]


def test_all_begin_the_same_night_at_the_same_time():
    _, fields, command = night_examples.crontab()
    spec = night_examples.cronjob()
    hour, minute = CLOCK.split(":")

    assert fields == spec["schedule"] == f"{int(minute)} {int(hour)} * * *"
    assert spec["timeZone"] == ZONE
    service = after_the_program(night_examples.service_words())
    assert service == after_the_program(command.split()) == after_the_program(night_examples.container()["args"])
    assert service[service.index("--time-zone") + 1] == ZONE


def test_the_command_line_understands_them():
    words = after_the_program(night_examples.service_words())

    assert words[0] == "nightly"
    assert CliRunner().invoke(nightly, [*words[1:], "--help"]).exit_code == 0


def test_the_time_is_one_that_the_clock_shows_once_on_every_date():
    """Systemd starts nothing in a skipped hour, and Kubernetes twice in a repeated one."""
    moment, until = datetime(2026, 11, 1, tzinfo=UTC), datetime(2037, 12, 1, tzinfo=UTC)
    while (moment := next_moment(CLOCK, ZONE, moment)) < until:
        shown = moment.astimezone(ZoneInfo(ZONE))
        assert f"{shown:%H:%M}" == CLOCK  # not skipped
        assert shown.utcoffset() == shown.replace(fold=1).utcoffset()  # not shown twice


def test_cron_would_take_no_sign_of_the_command_for_its_own():
    _, _, command = night_examples.crontab()

    assert "%" not in command  # the end of the line, to cron
    assert "\\" not in command


@needs_systemd
def test_systemd_accepts_the_units(tmp_path):
    for name in ("nightscribe.service", "nightscribe.timer"):
        text = (EXAMPLES / name).read_text("utf-8")
        assert name != "nightscribe.service" or f"ExecStart={PROGRAMS}/nightscribe " in text
        (tmp_path / name).write_text(text.replace(f"{PROGRAMS}/nightscribe", shutil.which("true")))

    verified = analyze("verify", *map(str, tmp_path.iterdir()))

    assert (verified.returncode, verified.stderr) == (0, "")


@needs_systemd
@pytest.mark.parametrize("base", ["2027-03-26 12:00:00", "2027-10-29 12:00:00"])
def test_systemd_starts_one_night_on_each_date_where_the_clock_changes(base):
    said = analyze("calendar", "--iterations=5", f"--base-time={base} UTC", ON_CALENDAR).stdout
    texts = [line.partition(": ")[2] for line in said.splitlines() if "elapse:" in line or "Iter." in line]
    starts = [datetime.strptime(text, "%a %Y-%m-%d %H:%M:%S UTC").replace(tzinfo=UTC) for text in texts]

    expected = [next_moment(CLOCK, ZONE, datetime.fromisoformat(f"{base}+00:00"))]
    while len(expected) < 5:
        expected.append(next_moment(CLOCK, ZONE, expected[-1]))
    assert starts == expected
    assert {other - one for one, other in pairwise(starts)} > {timedelta(hours=24)}  # and one of 23 or 25


def test_the_service_counts_as_well_what_ended_as_it_was_told_to():
    settings = dict(night_examples.unit("nightscribe.service")["Service"])

    assert settings["SuccessExitStatus"] == f"{EXIT_RUN_ACTIVE} {EXIT_DEADLINE}"
    assert dict(night_examples.unit("nightscribe.timer")["Timer"])["Persistent"] == "true"


def test_kubernetes_accepts_the_cronjob_strictly():
    whole = yaml.safe_load((EXAMPLES / "cronjob.yaml").read_text("utf-8"))

    assert kubernetes_validate.validate(whole, "1.33", strict=True)
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate({**whole, "spec": {**whole["spec"], "timezone": ZONE}}, "1.33", strict=True)


def test_the_cronjob_holds_no_secret_and_its_pods_none_of_what_they_do_not_need():
    spec = night_examples.cronjob()
    pod = spec["jobTemplate"]["spec"]["template"]["spec"]
    only = night_examples.container()

    assert spec["concurrencyPolicy"] == "Forbid"
    assert 0 < spec["startingDeadlineSeconds"] < 24 * 3600
    assert pod["restartPolicy"] == "Never"  # or podFailurePolicy would be refused
    assert [source["secretRef"]["name"] for source in only["envFrom"]] == ["nightscribe"]
    assert {variable["name"] for variable in only["env"]} == {"NIGHTSCRIBE_PROFILE", "XDG_STATE_HOME"}
    assert pod["automountServiceAccountToken"] is False
