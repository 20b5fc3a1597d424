"""The table of families, and the page that is made of it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.metrics.families import FAMILIES, NAMES

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "metrics.md"


def test_the_page_is_the_tables(tmp_path):
    made = tmp_path / "metrics.md"
    subprocess.run([sys.executable, ROOT / "scripts" / "metrics-page", made], check=True)

    assert PAGE.read_text("utf-8") == made.read_text("utf-8"), "run scripts/metrics-page"


def test_every_name_in_the_prose_is_that_of_a_family():
    prose = re.sub(r"<!-- table.*?<!-- end -->", "", PAGE.read_text("utf-8"), flags=re.DOTALL)
    told = re.findall(
        r"`((?:nightscribe_)?(?:run|night|fal|permit|rate|settled|up)_?[a-z_]*[a-z])(?:\{.*?\}.*?)?`", prose
    )
    names = {name if name.startswith("nightscribe_") else f"nightscribe_{name}" for name in told}

    assert len(names) > 8
    assert names - NAMES == set()


def test_names_are_unique():
    assert len(NAMES) == len(FAMILIES)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_names_carry_their_unit_as_prometheus_wants_it(family):
    assert family.name.startswith("nightscribe_")
    assert family.name.endswith("_total") == (family.kind == "counter")
    if family.kind == "histogram" or "time" in family.name:
        assert family.name.removesuffix("_total").endswith("_seconds")
    # `le` is that of buckets; `job` and `instance` Prometheus gives itself.
    assert not {"le", "job", "instance", "endpoint", "quantile"} & set(family.labels)
