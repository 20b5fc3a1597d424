"""The report of a run that ends: gathered while its manifest is made. Whatever befalls it, the run is done."""

from __future__ import annotations

import shlex

from pipeline.errors import NightscribeError
from pipeline.manifest import RunFacts
from pipeline.models import Manifest, Place, Price, RememberedRow
from pipeline.redaction import redact
from pipeline.report import Gathering, Report, page, write
from pipeline.storage.base import Storage


class RunReport:
    """An onlooker of the manifest, who keeps to himself whatever goes wrong, until the end."""

    def __init__(self, facts: RunFacts) -> None:
        self._gathering = Gathering(facts.archive, facts.run_id, facts.started_at)
        self._error: Exception | None = None

    def begin(self) -> None:
        """See `Onlooker`."""
        self._gathering.begin()

    def add(self, row: RememberedRow) -> None:
        """See `Onlooker`."""
        if self._error is None:
            try:
                self._gathering.add(row)
            except Exception as error:  # noqa: BLE001  a report is no reason for a manifest not to be written
                self._error = error

    def write(self, storage: Storage, manifest: Manifest, price: Price | None) -> tuple[str | None, str | None]:
        """Writes it beside the manifest. Where it lies now, or else what to tell of its not being there."""
        if self._error is not None:
            return None, _said(self._error, manifest)
        try:
            report = Report(manifest, self._gathering, price.shown if price else None)
            return write(storage, manifest, page(report)), None
        except Exception as error:  # noqa: BLE001  the run itself is done, and its manifest is written
            return None, _said(error, manifest)


def report_command(archive: Place, output: Place, run_id: str | None = None) -> str:
    """The command that makes a report anew, as it is typed."""
    is_default = output.bucket == archive.bucket and not output.prefix
    elsewhere = "" if is_default else f" --output {shlex.quote(output.uri)}"
    return f"nightscribe report {shlex.quote(archive.uri)}{elsewhere}{f' --run {run_id}' if run_id else ''}"


def _said(error: Exception, manifest: Manifest) -> str:
    told = redact(error.message) if isinstance(error, NightscribeError) else f"{type(error).__name__} inside."
    again = report_command(manifest.archive, manifest.output, manifest.run_id)
    return f"The report of run {manifest.run_id} was not written: {told} Its manifest was. To make the report: {again}"
