"""Judges how far two clocks are apart. Pure."""

from __future__ import annotations

from datetime import datetime

from pipeline.doctor.checkup import Seen, failed, ok, warning

REFUSED_S = 900.0
"""S3 refuses what is signed by a clock that differs by more (RequestTimeTooSkewed)."""
_ODD_S = 60.0  # a machine with NTP is right to the tenth of a second
_ADVICE = "Set this machine's clock (NTP: timedatectl set-ntp true), or the server's if that one is wrong."


def judged(ours: datetime, theirs: datetime, server: str, *, refuses: bool) -> Seen:
    """`refuses`: whether this server works with nobody whose clock is far off, as S3 does."""
    skew_s = (ours - theirs).total_seconds()
    if abs(skew_s) <= _ODD_S:
        return ok(f"This machine's clock and that of {server} differ by {abs(skew_s):.0f} s.")
    way = "ahead of" if skew_s > 0 else "behind"
    saw = f"This machine's clock is {_shown(abs(skew_s))} {way} that of {server}."
    if refuses and abs(skew_s) > REFUSED_S:
        return failed(f"{saw} S3 refuses every request when they are more than 15 min apart.", _ADVICE)
    return warning(f"{saw} Times in manifests, deadlines and presigned URLs are off by as much.", _ADVICE)


def _shown(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"
