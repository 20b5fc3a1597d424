"""plan against a naive model: dictionaries in place of the merge join, and one plain function for what is seen."""

from __future__ import annotations

from datetime import UTC

import builders
from hypothesis import example, given
from hypothesis import strategies as st
from planning import EXPECTED, OTHER, SETTINGS, decided, stamp, verdict

from pipeline.models import Job, State
from pipeline.plan import Mode

RECIPES = [builders.recipe().hash, OTHER.hash, None]
etags = st.sampled_from(["e1", "e2"])
versions = st.sampled_from([None, None, "v1", "v2"])
sizes = st.sampled_from([1000, 1000, 1000, 0, SETTINGS.max_size_bytes + 1])
sidecars = st.sampled_from([None, "s1", "s2"])
reasons = st.sampled_from(
    [None, "not_audio", "empty_object", "too_large", "foreign_sidecar", "stale", "result_expired", "duration_unknown"]
)
stood_for = st.sampled_from([None, None, *RECIPES])
items = st.fixed_dictionaries(
    {
        "etag": etags,
        "size_bytes": sizes,
        "version_id": versions,
        "sidecar_etag": sidecars,
        "excluded": st.sampled_from([False, False, False, True]),
    }
)
rows = st.fixed_dictionaries(
    {
        "etag": etags,
        "size_bytes": sizes,
        "version_id": versions,
        "state": st.sampled_from(State),
        "reason": reasons,
        "permanent": st.booleans(),
        "recipe": st.sampled_from(RECIPES),
        "stands_for": stood_for,
        "run_id": st.sampled_from(["run0", "run1"]),
        "sidecar_etag": sidecars,
    }
)
stamps = st.builds(
    stamp,
    etag=etags,
    recipe=st.sampled_from([builders.recipe(), OTHER]),
    run_id=st.sampled_from(["run0", "run1"]),
    stands_for=stood_for,
)
# Short ones, so that many are alike; with characters whose order differs between UTF-8 and UTF-16.
keys = st.text(st.sampled_from("a. \x00é\uffee😀"), min_size=1, max_size=3)
worlds = st.dictionaries(
    keys,
    st.tuples(st.none() | items, st.none() | rows, st.none() | stamps).filter(lambda seen: seen[:2] != (None, None)),
)


def standing_of(item, row, seen_stamp):
    """What is seen of an object, said without any table; and whether its sidecar has to be looked at."""
    if item is None:
        return "gone", False
    if item.excluded:
        return "excluded", False
    is_same = (
        row is not None
        and (row.etag, row.size_bytes) == (item.etag, item.size_bytes)
        and len({row.version_id, item.version_id} - {None}) < 2
    )
    reported = row.reason if is_same and row.state is State.FAILED else None
    for fault, is_so in (
        ("empty_object", item.size_bytes == 0),
        ("too_large", item.size_bytes > SETTINGS.max_size_bytes),
    ):
        if is_so:
            return ("fault_reported" if reported == fault else fault), False
    made_by, has_looked = None, False
    if item.sidecar_etag is not None:
        is_known = row is not None and row.sidecar_etag == item.sidecar_etag
        if is_known and reported == "foreign_sidecar":
            return "fault_reported", False
        if is_known and row.state is State.DONE:
            made_by = ({row.recipe, row.stands_for}, row.run_id) if is_same else None
        else:
            has_looked = True
            if seen_stamp is None:
                return ("fault_reported" if reported == "foreign_sidecar" else "foreign_sidecar"), True
            made_with = {seen_stamp.recipe, seen_stamp.stands_for}
            made_by = (made_with, seen_stamp.run_id) if seen_stamp.object_etag == item.etag else None
    return _without_look(item, row, is_same=is_same, made_by=made_by), has_looked


def _without_look(item, row, *, is_same, made_by):
    ours = builders.recipe().hash
    if made_by is not None:
        return "recipe_changed" if ours not in made_by[0] else "done_by_this_run" if made_by[1] == "run1" else "current"
    beside = item.sidecar_etag is not None  # a sidecar of another version
    if row is None:
        return "changed" if beside else "new"
    state, failed = row.state, is_same and row.state is State.FAILED
    return next(
        standing
        for standing, is_so in {
            "changed": not is_same or (beside and state in {State.DONE, State.SKIPPED}),
            "sidecar_missing": state is State.DONE,
            "new": state is State.SKIPPED,
            "uncertain": state is State.UNCERTAIN,
            "left_under_ceiling": state is State.PENDING and row.reason == "duration_unknown",
            "pending": state is State.PENDING,
            "stale": failed and row.reason == "stale",
            "failed_in_passing": failed and not row.permanent,
            "failed_with_other_recipe": failed and row.recipe != ours,
            "result_expired": failed and row.reason == "result_expired",
            "failed_before": failed,
        }.items()
        if is_so
    )


@given(worlds, st.sampled_from(Mode), st.booleans(), st.none() | st.integers(0, 3))
@example({"a": (None, {"etag": "e1", "state": State.DONE}, None)}, Mode.INCREMENTAL, True, None)
def test_the_merge_join_decides_what_dictionaries_decide(world, mode, is_whole, limit):
    listing = {key: builders.found(key, **seen[0]) for key, seen in world.items() if seen[0] is not None}
    known = {key: builders.row(**{"key": key} | seen[1]) for key, seen in world.items() if seen[1] is not None}
    looks = []

    def look(item):
        looks.append(item.key)
        return world[item.key][2]

    in_order = sorted(world, key=str.encode)
    decisions = list(
        decided(
            [listing[key] for key in in_order if key in listing],
            [known[key] for key in in_order if key in known],
            look,
            mode=mode,
            is_whole=is_whole,
            limit=limit,
        )
    )

    expected, expected_looks, jobs = [], [], 0
    for key in in_order:
        standing, has_looked = standing_of(listing.get(key), known.get(key), world[key][2])
        expected_looks += [key] * has_looked
        cell = EXPECTED[standing, mode]
        if cell == "job":
            cell = "job" if limit is None or jobs < limit else "over_limit"
            jobs += 1
        if cell != "gone" or is_whole:
            expected.append((key, cell))
    assert [(_key(decision), verdict(decision)) for decision in decisions] == expected
    assert sorted(looks) == sorted(expected_looks)


@given(st.dictionaries(keys, items), st.dictionaries(keys, rows), st.datetimes(timezones=st.just(UTC)))
def test_the_time_of_the_last_change_decides_nothing(listing, known, moment):
    """For a multipart upload it is the time when the upload began: before the sidecar of the older version, even."""
    found = [builders.found(key, **listing[key]) for key in sorted(listing)]
    at_once = [builders.found(key, last_modified=moment.isoformat(), **listing[key]) for key in sorted(listing)]
    remembered = [builders.row(**{"key": key} | known[key]) for key in sorted(known)]

    def look(_item):
        return stamp()

    assert [*map(verdict, decided(found, remembered, look))] == [*map(verdict, decided(at_once, remembered, look))]


def _key(decision):
    return decision.object.key if isinstance(decision, Job) else decision.row.key


@given(st.dictionaries(keys, items), st.dictionaries(keys, rows))
def test_what_is_decided_leaves_one_row_per_object_and_none_besides(listing, known):
    """Whatever was remembered: the rows of skips are about the objects as they are listed now."""
    found = [builders.found(key, **listing[key]) for key in sorted(listing)]
    remembered = [builders.row(**{"key": key} | known[key]) for key in sorted(known)]

    decisions = [one for one in decided(found, remembered) if verdict(one) != "gone"]

    assert [_key(one) for one in decisions] == sorted(listing)
    for one in decisions:
        told = one.object if isinstance(one, Job) else one.row
        assert (told.etag, told.size_bytes) == (listing[told.key]["etag"], listing[told.key]["size_bytes"])
