"""`nightscribe metrics`: the exporter for Prometheus."""

from __future__ import annotations

import importlib.util
import signal
from collections.abc import Iterable, Mapping
from pathlib import Path

import click

from pipeline import manifest
from pipeline.archives_file import read_archives
from pipeline.cli.options import S3Uri
from pipeline.cli.session import Session
from pipeline.errors import ConfigurationError, NightscribeError
from pipeline.manifest.earlier import read_earlier
from pipeline.metrics.nights import Night, Nights, Shelf
from pipeline.models import Manifest, Place
from pipeline.runs.base import Runs

_ENDS = (signal.SIGINT, signal.SIGTERM)
_EARLIER = 30  # manifests that are looked through for a complete night; a month without one is told as none at all


@click.command()
@click.argument("archives", type=S3Uri(), nargs=-1, metavar="[s3://BUCKET/PREFIX]...")
@click.option(
    "--archives",
    "archives_file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Tell of the archives of this file, as `nightscribe nightly` reads it. Otherwise that of night.archives.",
)
@click.option("--host", help="The address to listen on; the setting metrics.host when not given.")
@click.option("--port", type=click.IntRange(0, 65_535), help="The port; the setting metrics.port when not given.")
@click.pass_obj
def metrics(
    session: Session,
    /,
    *,
    archives: tuple[Place, ...],
    archives_file: Path | None,
    host: str | None,
    port: int | None,
) -> None:
    """Serve metrics for Prometheus until stopped (pip install 'nightscribe[metrics]').

    State comes from Redis at every scrape, and from the last manifests in S3, a minute old; nothing is asked of
    workers, so that one exporter serves them all. Without an archive or a file of them it tells of those whose runs
    Redis knows, which is for a day after each run: name yours, so that a missing night is noticed.

    It speaks plain HTTP, to this machine only, and answers GET /metrics and GET /healthz. What it tells stands in
    docs/metrics.md.

    \b
    Examples:
      nightscribe metrics
      nightscribe metrics s3://my-podcasts/ s3://other-shows/
      nightscribe metrics --archives configs/archives.toml
      nightscribe metrics s3://my-podcasts/ --host 0.0.0.0 --port 9478
    """
    if archives and archives_file:
        raise click.UsageError("--archives names archives, and so does the command line: leave one of them out.")
    if importlib.util.find_spec("prometheus_client") is None:
        raise ConfigurationError(
            "The exporter needs prometheus_client. Install it: pip install 'nightscribe[metrics]'.", "not_installed"
        )
    # Only here: everything else of the command line works without this package.
    from pipeline.metrics.exposition import Scrape  # noqa: PLC0415
    from pipeline.metrics.reading import Reading  # noqa: PLC0415
    from pipeline.metrics.serving import open_server, serve  # noqa: PLC0415
    from pipeline.wiring.metrics import open_metrics  # noqa: PLC0415

    settings = session.settings
    named = _named(archives, archives_file or settings.night.archives)
    parts = open_metrics(settings)
    try:
        nights = Nights(
            shelf=_shelf(session),
            archives=lambda: _told(parts.live.runs, named),
            every_s=settings.metrics.manifest_every_s,
        )
        server = open_server(
            Scrape(Reading(parts.live, nights)),
            host or settings.metrics.host,
            settings.metrics.port if port is None else port,
        )
        # Waited for rather than handled: a handler that sets an event may have interrupted who holds the event's lock.
        signal.pthread_sigmask(signal.SIG_BLOCK, _ENDS)  # before any thread, which inherits it
        bound, bound_port = server.server_address[:2]
        shown = f"[{bound!s}]" if ":" in str(bound) else str(bound)
        click.echo(f"Metrics on http://{shown}:{bound_port}/metrics")
        serve(server, nights.refresh_until, lambda: signal.sigwait(_ENDS))
    finally:
        parts.close()


def _named(archives: tuple[Place, ...], file: Path | str) -> Mapping[Place, Place]:
    """Outputs by archive: those of the command line, else those of a file, if there is one."""
    if archives or not file:
        return {archive: Place(bucket=archive.bucket) for archive in archives}
    place_of = S3Uri()
    named: dict[Place, Place] = {}
    for entry in read_archives(Path(file).expanduser()):
        archive = place_of(entry.uri)
        named.setdefault(archive, place_of(entry.output) if entry.output else Place(bucket=archive.bucket))
    return named


def _told(runs: Runs, named: Mapping[Place, Place]) -> Mapping[Place, Place]:
    """The archives that are named; else those of the runs that Redis knows. Where their results are, runs tell best."""
    try:
        told = {progress.archive: progress.output for progress in runs.progress()}
    except NightscribeError:
        if not named:
            raise
        told = {}
    return {archive: told.get(archive, output) for archive, output in named.items()} if named else told


def _shelf(session: Session) -> Shelf:
    def last(archive: Place, output: Place) -> Night | None:
        newest = manifest.read_newest(session.storage, output, archive)
        looked_at = newest.latest.looked_at if newest.latest else None
        if newest.manifest is None:
            return None
        # It is kept for as long as the exporter runs; of a large archive nearly all of it tells of parts.
        return Night(newest.manifest.model_copy(update={"parts": ()}), looked_at)

    def earlier(archive: Place, output: Place, run_id: str) -> Iterable[Manifest]:
        return read_earlier(session.storage, output, archive, run_id, at_most=_EARLIER)

    return Shelf(last, earlier)
