"""What is checked of fal and of the live state: nothing of it costs anything."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from pipeline.delivery.hosts import is_private
from pipeline.doctor.checkup import Seen, failed, not_checked, ok, warning
from pipeline.doctor.opening import Opened
from pipeline.errors import TransientError, UncertainError
from pipeline.models import Price, Recipe
from pipeline.runs.base import Runs
from pipeline.settings import Settings
from pipeline.speech.base import Transcriber

_NO_REQUEST = "0" * 64  # no URL has this hash
_ANSWERED_BUT_INCOMPLETE = "history_incomplete"
_HTTP_OK = 200


def key(transcriber: Transcriber, settings: Settings) -> Seen:
    """Whether fal accepts the key. Raises what `Transcriber.check_key` raises."""
    transcriber.check_key()
    return ok(f"{settings.fal.queue_url} accepts it.")


def history(transcriber: Transcriber, recipe: Recipe, settings: Settings, now: Callable[[], datetime]) -> Seen:
    """Whether the request history can be read, which tells what became of a submission whose reply was lost."""
    if not settings.fal.store_io:
        return not_checked("fal.store_io is off: fal keeps nothing that its history could show.")
    moment = now()
    try:
        transcriber.find(recipe, _NO_REQUEST, since=moment, until=moment, exclude=())
    except UncertainError as error:
        return warning(
            f"{error.message.partition('Look for')[0].strip()} A submission whose reply is lost stays uncertain.",
            "Use a key that may read the request history (admin scope; docs/fal.md section 11), and check "
            "fal.platform_url.",
        )
    except TransientError as error:
        if error.reason != _ANSWERED_BUT_INCOMPLETE:
            raise
    return ok(f"{settings.fal.platform_url} shows the requests to {recipe.endpoint_id}.")


def price(known: Price | None, recipe: Recipe) -> Seen:
    """Whether it is known what an hour of audio costs."""
    if known is not None and known.usd_per_audio_hour is not None:
        return ok(f"{recipe.endpoint_id}: {known.shown}.")
    return warning(
        f"No price per hour of audio is known for {recipe.endpoint_id}: costs are reported as unknown, and --max-cost "
        "is refused (--max-audio-hours works).",
        "nightscribe models --refresh-prices asks fal; else set usd_per_audio_hour under "
        f'[prices."{recipe.endpoint_id}"] in a file that NIGHTSCRIBE_CONFIG names.',
    )


def webhook(settings: Settings, open_url: Callable[[str], Opened]) -> Seen:
    """Whether the receiver of webhooks answers under the address that fal is given."""
    url = settings.fal.webhook_url
    if settings.fal.wait != "webhook":
        return not_checked("fal.wait is poll: no webhook is needed.")
    if not url:
        return failed("fal.wait is webhook, and fal.webhook_url is empty.", "Set fal.webhook_url, or fal.wait to poll.")
    if not is_private(settings.fal.queue_url) and (not url.startswith("https:") or is_private(url)):
        return failed(
            f"fal does not call {url}.", "It must be https, and an address that is reachable from the Internet."
        )
    answer = open_url(f"{url}/healthz")
    if answer.status != _HTTP_OK:
        return failed(
            f"{url}/healthz is answered HTTP {answer.status}.",
            "Run nightscribe webhook, and check the proxy before it and its way to Redis. Until then workers notice "
            "the ends of requests by their polls.",
        )
    return ok(f"{url}/healthz answers, from this machine.")


def open_runs(runs: Runs, settings: Settings) -> Seen:
    """Who uses the part of Redis that the settings name."""
    summaries, order = runs.summaries(), runs.stop_order()
    alive = sum(summary.dispatcher_alive for summary in summaries)
    saw = (
        f"Keys begin with {settings.redis.key_prefix!r}; {len(summaries)} runs are open there, {alive} of them "
        "dispatched now."
    )
    if order is not None:
        of_run = f" of run {order.run_id}" if order.run_id else ""
        return warning(f"{saw} Workers submit nothing{of_run}: {order.message}", "Mend that, and run again.")
    return ok(saw)


def workers(runs: Runs, software: str) -> Seen:
    """Whether somebody would take the jobs, in the version of `software`, which is ours."""
    found = runs.workers()
    if not found:
        return warning("No worker is alive.", "Start one before a run: make worker.")
    slots, busy = sum(worker.slots for worker in found), sum(worker.busy for worker in found)
    saw = f"{len(found)} alive with {slots} slots, {busy} of them busy."
    if stuck := [worker.name for worker in found if worker.is_stuck]:
        return failed(f"{saw} Stuck: {', '.join(stuck)}; alive, but taking no jobs any more.", "Restart these.")
    if others := sorted({worker.software for worker in found} - {software, ""}):
        return warning(
            f"{saw} Some are {', '.join(others)}, and this command is {software}.",
            "Upgrade them too; they hand their jobs over when they are told to stop.",
        )
    return ok(saw)
