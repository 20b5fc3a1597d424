"""A night's command: which archives, until when, and what it ends with; without servers."""

from __future__ import annotations

from datetime import UTC, datetime

import builders
import click
import pytest
from click.testing import CliRunner

from pipeline import cli
from pipeline.cancellation import CancellationToken, Cancelled
from pipeline.cli import nightly as night_module
from pipeline.cli.archive_run import ArchiveRun
from pipeline.cli.counts import Counts
from pipeline.cli.deadlines import deadline_of
from pipeline.cli.run_ends import most_serious, run_end_of
from pipeline.cli.running import EndedRun
from pipeline.cli.session import Session
from pipeline.cli.wishes import wish_of
from pipeline.errors import AccountError, BudgetReachedError, DeadlineReachedError, NightscribeError, RunActiveError
from pipeline.models import Ending, Place
from pipeline.plan import Mode

NOW = datetime(2026, 10, 24, 21, 0, tzinfo=UTC)
SETTINGS = builders.settings(NIGHTSCRIBE_NIGHT_TIME_ZONE="Europe/Berlin")
TWO = "[[archive]]\nuri = 's3://a/'\n[[archive]]\nuri = 's3://b/'\n"


class Ran:
    """What was run, instead of running it: each wish ends as `ends` says; and what the notifier was told."""

    def __init__(self):
        self.wishes, self.told, self.ends = [], [], {}

    def carry_through(self, session, wish, cancel):
        self.wishes.append(wish)
        return EndedRun(ArchiveRun(session, wish, cancel), NOW, self.ends.get(wish.archive.bucket))

    def tell(self, end):
        self.told.append(end)
        return f"Nobody could tell of {end.archive.uri}."


@pytest.fixture
def ran(monkeypatch):
    ran = Ran()
    monkeypatch.setattr(night_module, "carry_through", ran.carry_through)
    monkeypatch.setattr(night_module, "open_notifier", lambda _settings: ran)
    return ran


def nightly(*words, **environment):
    return CliRunner(env=environment).invoke(cli.nightscribe, ["nightly", *words])


@pytest.mark.parametrize(
    ("codes", "code"),
    [
        ([], 0),
        ([0, 0], 0),
        ([0, 1, 0], 1),
        ([1, 5], 5),
        ([5, 6, 1], 6),
        ([6, 3, 5], 3),
        ([3, 2, 6, 0], 2),
        ([2, 4, 3], 4),
        ([4, 130], 130),
    ],
)
def test_a_night_ends_with_its_most_serious_code(codes, code):
    assert most_serious(codes) == code
    assert most_serious(reversed(codes)) == code


@pytest.mark.parametrize(
    ("error", "ending", "code"),
    [
        (None, Ending.DONE, 0),
        (BudgetReachedError("said"), Ending.BUDGET, 3),
        (DeadlineReachedError("said"), Ending.DEADLINE, 6),
        (AccountError("said", "payment_required"), Ending.STOPPED, 4),
        (RunActiveError("said"), Ending.STOPPED, 5),
        (NightscribeError("said with ?X-Amz-Signature=abc"), Ending.STOPPED, 1),
        (Cancelled(), Ending.STOPPED, 130),
        (ZeroDivisionError("secret"), Ending.STOPPED, 1),
    ],
)
def test_every_end_is_told(error, ending, code):
    session = Session({})
    options = {"archive": Place(bucket="a", prefix=""), "output": None, "include": (), "exclude": (), "limit": None}
    run = ArchiveRun(session, wish_of(session, Mode.INCREMENTAL, options), CancellationToken())

    end = run_end_of(EndedRun(run, NOW, error))

    assert (end.ending, end.exit_code, end.archive.uri) == (ending, code, "s3://a/")
    assert bool(end.message) == (error is not None)
    assert "abc" not in end.message
    assert "secret" not in end.message


def test_failures_of_objects_end_a_run_with_1():
    session = Session({})
    options = {"archive": Place(bucket="a", prefix=""), "output": None, "include": (), "exclude": (), "limit": None}
    run = ArchiveRun(session, wish_of(session, Mode.INCREMENTAL, options), CancellationToken())
    run.counts.uncertain = 1

    end = run_end_of(EndedRun(run, NOW))

    assert (end.ending, end.exit_code, end.uncertain) == (Ending.FAILED, 1, 1)


def test_what_a_second_opinion_has_replaced_is_suspect_no_more():
    counts = Counts(suspect=3, replaced=1)

    assert counts.still_suspect == 2
    assert "0 done, 2 suspect, " in counts.line()
    assert Counts(suspect=1, replaced=2).still_suspect == 0  # of an earlier run's, too


@pytest.mark.parametrize(
    ("options", "otherwise", "deadline"),
    [
        # The clocks of Berlin are put back in this night: 06:00 is ten hours from 23:00, not seven.
        ({"until": "06:00", "time_zone": None}, "", datetime(2026, 10, 25, 5, 0, tzinfo=UTC)),
        ({"until": "06:00", "time_zone": "UTC"}, "", datetime(2026, 10, 25, 6, 0, tzinfo=UTC)),
        ({"until": None, "time_zone": None}, "23:30", datetime(2026, 10, 24, 21, 30, tzinfo=UTC)),
        ({"until": None, "time_zone": "Asia/Tokyo"}, "06:30", datetime(2026, 10, 24, 21, 30, tzinfo=UTC)),
        ({"until": "23:00", "time_zone": None}, "06:00", datetime(2026, 10, 25, 22, 0, tzinfo=UTC)),
        ({"until": None, "time_zone": None}, "", None),
    ],
)
def test_the_deadline_is_the_next_moment_at_which_the_clock_shows_it(options, otherwise, deadline):
    assert deadline_of(SETTINGS.night, options, NOW, otherwise=otherwise) == deadline


def test_a_time_zone_without_a_time_is_refused():
    with pytest.raises(click.UsageError, match="there is no --until"):
        deadline_of(SETTINGS.night, {"until": None, "time_zone": "UTC"}, NOW)


def test_all_archives_of_the_setting_are_gone_through_in_order_under_one_deadline(ran, tmp_path):
    file = tmp_path / "archives.toml"
    file.write_text(TWO)

    outcome = nightly(NIGHTSCRIBE_NIGHT_ARCHIVES=str(file), NIGHTSCRIBE_NIGHT_UNTIL="06:00")

    assert outcome.exit_code == 0, outcome.output
    assert [wish.uri for wish in ran.wishes] == ["s3://a/", "s3://b/"]
    (deadline,) = {wish.handling.submit_before for wish in ran.wishes}
    assert (deadline.hour, deadline.minute) == (6, 0)
    assert all(wish.is_a_night for wish in ran.wishes)
    assert [end.archive.bucket for end in ran.told] == ["a", "b"]
    assert "Nobody could tell of s3://b/." in outcome.stderr


def test_an_archive_that_is_active_elsewhere_or_fails_does_not_keep_the_next_from_being_done(ran, tmp_path):
    file = tmp_path / "archives.toml"
    file.write_text(TWO)
    ran.ends = {"a": RunActiveError("Run r is alive.")}

    outcome = nightly("--archives", str(file), "--json")

    assert outcome.exit_code == 5
    assert len(ran.wishes) == 2
    assert len(outcome.stdout.splitlines()) == 2
    assert "Error: s3://a/: Run r is alive." in outcome.stderr


@pytest.mark.parametrize("error", [AccountError("pay"), Cancelled()])
def test_the_account_and_a_signal_stop_all(ran, tmp_path, error):
    file = tmp_path / "archives.toml"
    file.write_text(TWO)
    ran.ends = {"a": error}

    outcome = nightly("--archives", str(file))

    assert outcome.exit_code == (130 if isinstance(error, Cancelled) else 4)
    assert [wish.uri for wish in ran.wishes] == ["s3://a/"]
    assert "1 more archives were not begun" in outcome.stderr
    assert len(ran.told) == 1


@pytest.mark.parametrize(("archives", "code"), [(TWO, 130), ("[[archive]]\nuri = 's3://a/'\n", 3)])
def test_a_signal_that_comes_when_an_archive_is_done_interrupts_only_the_archives_after_it(
    ran, monkeypatch, tmp_path, archives, code
):
    """A night whose last archive has reached its ceiling would be handed over, and spend it once more."""

    def told_to_stop_at_its_end(session, wish, cancel):
        cancel.cancel()
        return ran.carry_through(session, wish, cancel)

    monkeypatch.setattr(night_module, "carry_through", told_to_stop_at_its_end)
    ran.ends = {"a": BudgetReachedError("The ceiling is reached.")}
    file = tmp_path / "archives.toml"
    file.write_text(archives)

    outcome = nightly("--archives", str(file))

    assert outcome.exit_code == code
    assert [wish.uri for wish in ran.wishes] == ["s3://a/"]


@pytest.mark.parametrize(
    ("text", "words", "said"),
    [
        (TWO, ["--model", "fal-ai/wizper"], "--model is said of each archive"),
        (TWO, ["s3://c/"], "leave one of them out"),
        (TWO, ["--until", "6:00"], "is no time of a clock"),
        (TWO, ["--time-zone", "Mars/Olympus"], "is no time zone"),
        (TWO + "max_cost = -1.0", [], "[[archive]] 2"),
        (TWO + "model = 'some/model'\nmax_cost = 1.0", [], "[[archive]] 2: --max-cost needs to know"),
        (TWO + "translate = true\ntask = 'transcribe'", [], "[[archive]] 2"),
    ],
)
def test_a_mistake_is_told_before_the_first_archive_is_begun(ran, tmp_path, text, words, said):
    file = tmp_path / "archives.toml"
    file.write_text(text)

    outcome = nightly("--archives", str(file), *words)

    message = getattr(outcome.exception, "message", "") + outcome.output
    assert said in message
    assert getattr(outcome.exception, "exit_code", outcome.exit_code) == 2
    assert ran.wishes == []


def test_without_an_archive_the_command_says_how_to_name_one(ran):
    outcome = nightly()

    assert outcome.exit_code == 2
    assert "night.archives" in outcome.output
    assert ran.wishes == []
