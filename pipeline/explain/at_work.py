"""Where an object stands while an open run waits for it, as Redis tells. Pure."""

from __future__ import annotations

from pipeline.explain import advice
from pipeline.explain.findings import Findings
from pipeline.explain.standing import Outlook, Stands
from pipeline.models import Intent, IntentState


def outstanding(findings: Findings) -> Outlook | None:
    """Where an object stands that an open run waits for; None when none does."""
    live = findings.live
    if live is None or live.job_id is None or live.run is None:
        return None
    run = f"run {live.run.run_id}"
    intent = next((intent for intent in findings.intents if intent.job_id == live.job_id), None)
    if live.holder is None:
        at_fal = " Its request goes on at fal meanwhile." if intent and intent.state is IntentState.SUBMITTED else ""
        return Outlook(
            Stands.QUEUED,
            f"queued in {run}, or put off for a while; no worker has it now.{at_fal}",
            _who_takes_it(findings),
        )
    return Outlook(
        Stands.WORKING,
        f"worker {live.holder} has it, in {run}: {_doing(intent, findings)}",
        "It goes on by itself. When the worker dies, another one takes over, and nothing is paid twice.",
    )


def _who_takes_it(findings: Findings) -> str:
    live = findings.live
    if live is None or live.run is None:
        return ""
    if live.stop_order is not None and live.stop_order.stops(live.run.run_id):
        return f"Nothing is submitted now: {live.stop_order.message} When that is mended: {advice.backfill(findings)}"
    if live.budget_is_reached:
        return f"The run's ceiling is reached. With a higher one it goes on: {advice.backfill(findings)} --max-cost USD"
    if not live.workers:
        return "No worker is running. Start one: make worker"
    if not live.run.dispatcher_alive:
        return f"A worker takes it by itself. The run's manifest is written by: {advice.backfill(findings)}"
    return "A worker takes it by itself."


def _doing(intent: Intent | None, findings: Findings) -> str:
    if intent is not None and intent.state is IntentState.SUBMITTED and intent.request is not None:
        return f"it waits for fal, or fetches the result of request {intent.request.request_id}."
    if intent is not None and intent.state is IntentState.INTENDED:
        return "it sends the request, or asks fal's history for one whose reply was lost."
    permits = findings.live.permits if findings.live else None
    held = f" ({permits.held} of {permits.limit} in use)" if permits else ""
    return f"it looks at the audio, or waits for a permit{held}."
