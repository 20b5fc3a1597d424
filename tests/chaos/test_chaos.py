"""The promise under chaos: billed once, nothing lost, whatever dies. The same with more of everything: `make chaos`."""

from __future__ import annotations

import os
import random
import sys

import pytest
from chaos import report
from chaos.contestants import FalClientInCelery, FalClientScript, Nightscribe
from chaos.sizes import SMALL, TINY
from chaos.trial import run_trial

pytestmark = [pytest.mark.e2e]

# A fresh seed each time: over many runs many schedules are met. The one that fails is in the output.
SEED = int(os.environ.get("SEED", random.randrange(1 << 31)))
_MARGIN_S = 120.0  # for servers and the verdict


def say(line):
    sys.stdout.write(f"{line}\n")  # shown by pytest when the test fails


@pytest.mark.timeout(SMALL.patience_s + _MARGIN_S)
def test_everything_is_billed_once_and_nothing_is_lost_whatever_dies(tmp_path):
    say(f"again with: make chaos SEED={SEED}")

    trial = run_trial(lambda stand: Nightscribe(stand, SMALL.ceilings_h), SMALL, SEED, tmp_path, say=say)

    say("\n".join(report.details(trial)))
    assert trial.failures == []
    assert trial.kills >= 30
    assert trial.verdict.bills == SMALL.objects


@pytest.mark.timeout(TINY.patience_s + _MARGIN_S)
@pytest.mark.parametrize("peer", [FalClientScript, FalClientInCelery])
def test_a_peer_gets_the_same_archive_transcribed(peer, tmp_path):
    trial = run_trial(peer, TINY, SEED, tmp_path, say=say)

    say("\n".join(report.details(trial)))
    assert trial.troubles == []
    assert trial.kills == TINY.kills
    assert trial.verdict.lost == 0
