"""What a scrape says, judged by the Prometheus project's own parser and by promtool."""

from __future__ import annotations

import math
import subprocess

import pytest
from debian import unpacked
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from pipeline.meters import FAL_ANSWERS, FAL_RUN_S, METERS, SUM, Meters
from pipeline.metrics.exposition import Scrape, cumulated
from pipeline.metrics.families import FAMILIES
from pipeline.metrics.samples import Sample

_PLAIN = "text/plain"


def scraped(samples, gathered):
    """The families of a scrape, by name as the parser tells it."""
    body, _ = Scrape(lambda: (samples, gathered)).page(_PLAIN)
    return {family.name: family for family in text_string_to_metric_families(body.decode())}


def one_of_each():
    """A sample for each family that is no meter, and a count for each meter."""
    meters = Meters()
    for meter in METERS:
        labels = ["x" for _ in meter.labels]
        meters.observe(meter, 3.0, *labels) if meter.buckets else meters.count(meter, *labels)
    metered = {meter.name for meter in METERS}
    samples = [
        Sample(family.name, tuple("x" for _ in family.labels), 1.0) for family in FAMILIES if family.name not in metered
    ]
    return samples, meters.take()


def test_every_family_of_the_table_reaches_a_scrape_with_its_type_help_and_labels():
    found = scraped(*one_of_each())

    for family in FAMILIES:
        told = found[family.name.removesuffix("_total") if family.kind == "counter" else family.name]
        assert (told.type, told.documentation) == (family.kind, family.help)
        for sample in told.samples:
            assert set(sample.labels) - {"le"} == set(family.labels)


def test_promtool_finds_nothing_to_say(tmp_path_factory):
    promtool = unpacked("prometheus", tmp_path_factory.mktemp("promtool")) / "usr" / "bin" / "promtool"
    body, content_type = Scrape(one_of_each).page(_PLAIN)

    done = subprocess.run([promtool, "check", "metrics"], input=body, capture_output=True, check=False)

    assert content_type.startswith("text/plain")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_openmetrics_is_spoken_when_it_is_asked_for():
    body, content_type = Scrape(one_of_each).page("application/openmetrics-text; version=1.0.0")

    assert content_type.startswith("application/openmetrics-text")
    assert body.endswith(b"# EOF\n")


def test_without_meters_nothing_is_told_of_them():
    assert scraped([], None) == {}


def test_a_meter_without_labels_is_zero_before_it_is_first_counted():
    """An increase from nothing to one is none to `rate`."""
    (sample,) = scraped([], {})["nightscribe_slow_downs"].samples

    assert sample.value == 0


@pytest.mark.parametrize("text", ['quote " and \\', "line\nfeed", "朗読/é 🎙", "a{b=1}"])
def test_any_label_comes_through(text):
    found = scraped([Sample("nightscribe_run_open", (f"s3://podcasts/{text}",), 1.0)], None)

    assert found["nightscribe_run_open"].samples[0].labels == {"archive": f"s3://podcasts/{text}"}


@given(st.lists(st.floats(min_value=0, max_value=1e5), max_size=40))
def test_buckets_hold_all_values_up_to_their_bound(values):
    meters = Meters()
    for value in values:
        meters.observe(FAL_RUN_S, value, "m")
    parts = {series[-1]: amount for series, amount in meters.take().items()}

    told = dict(cumulated(FAL_RUN_S, parts))

    assert told.pop("+Inf") == len(values)
    for bound, count in told.items():
        assert count == sum(value <= float(bound) for value in values)
    assert parts.get(SUM, 0.0) == pytest.approx(math.fsum(values))


def test_what_another_version_has_counted_under_other_bounds_is_not_lost():
    told = dict(cumulated(FAL_RUN_S, {"3.0": 2.0, "50.0": 1.0, "99999.0": 1.0, "inf": 1.0}))

    assert (told["2.0"], told["5.0"], told["30.0"], told["60.0"], told["14400.0"], told["+Inf"]) == (0, 2, 2, 3, 3, 5)


def test_series_of_another_version_with_other_labels_are_passed_over():
    found = scraped([], {(FAL_ANSWERS.name, "submit", "total"): 3.0, ("nightscribe_unheard_of", "total"): 1.0})

    assert found["nightscribe_fal_answers"].samples == []
    assert "nightscribe_unheard_of" not in found
