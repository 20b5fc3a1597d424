"""What a person can do about an object: commands, as they are typed."""

from __future__ import annotations

import shlex

from pipeline.errors import ResultExpiredError
from pipeline.explain.findings import Findings
from pipeline.models import ManifestRow


def backfill(findings: Findings) -> str:
    """The command that goes on with the object's archive."""
    return f"nightscribe backfill {shlex.quote(findings.archive.uri)}{_output(findings)}"


def retry_failed(findings: Findings) -> str:
    """The command that tries again what has failed for good."""
    return f"nightscribe retry-failed {shlex.quote(findings.archive.uri)}{_output(findings)}"


def pay_again(findings: Findings) -> str:
    """The command that pays although something may have been paid."""
    return f"{retry_failed(findings)} --allow-rebill"


def show(findings: Findings) -> str:
    """The command that prints the transcript."""
    return f"nightscribe show {shlex.quote(findings.uri)}{_output(findings)}"


def after_failure(findings: Findings, row: ManifestRow) -> str:
    """What becomes of an object that has failed."""
    if row.reason == ResultExpiredError.default_reason:
        return f"Only this pays for it again: {pay_again(findings)}"
    if row.permanent and row.recipe is not None:
        return f"A run tries it again only when the audio was replaced, or with: {retry_failed(findings)}"
    return f"The next run looks at it again: {backfill(findings)}"


def _output(findings: Findings) -> str:
    output = findings.output
    is_default = output.bucket == findings.recording.bucket and not output.prefix
    return "" if is_default else f" --output {shlex.quote(output.uri)}"
