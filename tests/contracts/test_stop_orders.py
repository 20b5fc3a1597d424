"""Stop orders, in memory and in Redis: of all workers, or about one run alone."""

from __future__ import annotations

from unittest import mock

import pytest

from pipeline.runs.base import StopOrder


def test_a_stop_order_holds_until_the_next_run_opens(run_world):
    assert run_world.runs.stop_order() is None
    order = StopOrder(reason="balance", message="fal locked the account; top it up.")

    run_world.runs.stop(order)
    assert run_world.runs.stop_order() == order

    run_world.open()
    assert run_world.runs.stop_order() is None


def test_a_stop_order_about_one_run_holds_until_that_one_is_opened_again(run_world):
    """Its jobs may still be in the queue when the next archive's turn comes."""
    broken = run_world.open(new_run_id="run-1")
    order = StopOrder("unknown_model", "fal knows no model x.", by_account=False, run_id=broken.run_id)
    run_world.runs.stop(order)
    run_world.runs.close(broken, finished=False)

    run_world.open(archive_id="another", new_run_id="run-2")

    assert run_world.runs.stop_order() == order
    assert (order.stops("run-1"), order.stops("run-2")) == (True, False)
    run_world.open(new_run_id="run-3")  # which is run-1, gone on with
    assert run_world.runs.stop_order() is None


def test_a_stop_order_about_a_run_that_nobody_goes_on_with_is_cleared(run_world):
    broken = run_world.open("recipe-1", new_run_id="run-1")
    run_world.runs.stop(StopOrder("unknown_model", "fal knows no model x.", by_account=False, run_id=broken.run_id))
    run_world.runs.close(broken, finished=False)

    run_world.open("recipe-2", new_run_id="run-2")

    assert run_world.runs.stop_order() is None


@pytest.mark.parametrize("order", [None, StopOrder("balance", "fal locked the account; top it up.")])
def test_the_other_runs_are_asked_for_only_to_judge_an_order_about_one_of_them(redis_run_world, monkeypatch, order):
    if order:
        redis_run_world.runs.stop(order)
    asked = mock.Mock(wraps=redis_run_world.runs.summaries)
    monkeypatch.setattr(redis_run_world.runs, "summaries", asked)

    redis_run_world.open(new_run_id="run-1")
    asked.assert_not_called()

    redis_run_world.runs.stop(StopOrder("unknown_model", "fal knows no model x.", by_account=False, run_id="run-1"))
    redis_run_world.open(archive_id="another", new_run_id="run-2")
    asked.assert_called_once_with()
