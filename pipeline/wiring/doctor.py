"""What `nightscribe doctor` looks at: the checks with the real objects behind them, in lanes that run side by side."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from datetime import UTC, datetime

from pipeline import SOFTWARE
from pipeline.doctor import Check, Once, Seen, clock, local, not_checked, service
from pipeline.doctor.opening import Opened, opened
from pipeline.doctor.redis_facts import RedisFacts
from pipeline.doctor.store import Store, credentials
from pipeline.models import Asked, Place
from pipeline.redis_server import Client, asking, server_name
from pipeline.settings import LoadedSettings, Settings
from pipeline.wiring.prices import price_of
from pipeline.wiring.recipes import make_recipe
from pipeline.wiring.redis import make_client, make_runs
from pipeline.wiring.speech import open_transcriber
from pipeline.wiring.storage import open_storage

_CONNECT_S = 3.0  # a person waits; a server that is there answers sooner
_READ_S = 8.0
_PINGS = 5


def machine_lane() -> list[Check]:
    """What needs no settings."""
    return [
        Check("python packages", local.packages),
        Check("temporary space", local.temporary_space),
    ]


def lanes(
    loaded: LoadedSettings,
    environment: Mapping[str, str],
    archive: Place | None,
    output: Place | None,
    stack: ExitStack,
) -> list[list[Check]]:
    """All other checks; `stack` closes what they open."""
    settings = _hurried(loaded.settings)
    return [
        [Check("settings", lambda: local.settings_fit(loaded))],
        _store_lane(settings, archive, output, stack),
        _redis_lane(settings, stack),
        _fal_lane(settings, environment, stack),
        [Check("webhook", lambda: service.webhook(settings, lambda url: _open(url, "fal.webhook_url")))],
    ]


def _hurried(settings: Settings) -> Settings:
    """The same, but nobody is waited for as long as work would wait."""
    s3 = {"connect_timeout_s": _CONNECT_S, "read_timeout_s": _READ_S, "max_attempts": 1}
    redis = {"connect_timeout_s": _CONNECT_S, "socket_timeout_s": _CONNECT_S}
    fal = {"connect_timeout_s": _CONNECT_S, "read_timeout_s": _READ_S}
    return settings.model_copy(
        update={
            "s3": settings.s3.model_copy(update=s3),
            "redis": settings.redis.model_copy(update=redis),
            "fal": settings.fal.model_copy(update=fal),
        }
    )


def _store_lane(settings: Settings, archive: Place | None, output: Place | None, stack: ExitStack) -> list[Check]:
    storage = Once(lambda: stack.enter_context(closing(open_storage(settings))))
    # With 0 s nothing is renewed on our account.
    first = Check("aws credentials", lambda: credentials(lambda: storage().credential_term(at_least_s=0), _now))
    if archive is None:
        return [
            first,
            Check("s3", lambda: not_checked("No archive was named.", "nightscribe doctor s3://BUCKET/PREFIX")),
        ]
    place, results = archive, output or Place(bucket=archive.bucket)
    store = Once(
        lambda: Store(storage(), place, results, settings, lambda url: _open(url, "A presigned URL"), _now),
    )
    return [
        first,
        Check("s3 list", lambda: store().lists(), "It needs s3:ListBucket.", after=first.name),
        Check("s3 get", lambda: store().reads(), "It needs s3:GetObject.", after="s3 list"),
        Check(
            "s3 write and delete",
            lambda: store().writes(),
            "It needs s3:PutObject, s3:GetObject and s3:DeleteObject where results go (--output).",
            after=first.name,
        ),
        Check("delivery to fal", lambda: store().delivers(), after=first.name),
        Check("presigned url", lambda: store().presigns(), after=first.name),
        Check("clock of s3", lambda: store().clock(), after=first.name),
    ]


def _redis_lane(settings: Settings, stack: ExitStack) -> list[Check]:
    client = Once(lambda: stack.enter_context(closing(make_client(settings))))
    facts = Once(lambda: _facts(client(), settings))

    def skew() -> Seen:
        return clock.judged(facts().our_time, facts().its_time, facts().server, refuses=False)

    rest: list[tuple[str, Callable[[], Seen]]] = [
        ("redis eviction", lambda: facts().eviction()),
        ("redis persistence", lambda: facts().persistence()),
        ("redis memory", lambda: facts().memory()),
        ("clock of redis", skew),
        ("runs", lambda: service.open_runs(make_runs(settings, client()), settings)),
        ("workers", lambda: service.workers(make_runs(settings, client()), SOFTWARE)),
    ]
    # A server that is too old fails the first one, and still answers the others.
    return [Check("redis", lambda: facts().reached()), *(Check(name, look, after="redis") for name, look in rest)]


def _facts(client: Client, settings: Settings) -> RedisFacts:
    with asking(client):
        round_trips_ms = []
        for _ in range(_PINGS):
            begun = time.perf_counter()
            client.ping()
            round_trips_ms.append((time.perf_counter() - begun) * 1000)
        seconds, microseconds = client.time()
        ours = _now()
        info = client.info()
    its = datetime.fromtimestamp(seconds + microseconds / 1e6, UTC)
    return RedisFacts(server_name(settings.redis.url.get_secret_value()), info, round_trips_ms, its, ours)


def _fal_lane(settings: Settings, environment: Mapping[str, str], stack: ExitStack) -> list[Check]:
    transcriber = Once(lambda: stack.enter_context(closing(open_transcriber(settings, environment))))
    defaults = settings.recipe
    recipe = Once(lambda: make_recipe(defaults.model, Asked(language=defaults.language, task=defaults.task), {}))
    return [
        Check("fal key", lambda: service.key(transcriber(), settings)),
        Check("fal history", lambda: service.history(transcriber(), recipe(), settings, _now), after="fal key"),
        Check("price", lambda: service.price(price_of(recipe(), settings, environment), recipe())),
    ]


def _open(url: str, what: str) -> Opened:
    return opened(url, what=what, timeout_s=_READ_S)


def _now() -> datetime:
    return datetime.now(UTC)
