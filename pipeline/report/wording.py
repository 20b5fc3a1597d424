"""Figures as people read them, and foreign text with nothing hidden in it. Times are UTC."""

from __future__ import annotations

import re
from datetime import datetime

from pipeline.drawing import Markup, element
from pipeline.models import Totals
from pipeline.printable import printable
from pipeline.redaction import redact

_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86400
_ROUND_HOURS = 100  # from here on no fraction of an hour says anything
_WHOLE_PACE = 10  # likewise of a pace, from here on
_LEAST_HOURS, LEAST_USD = 0.01, 0.0001  # what is less is not told as nothing
_SMALL_USD = 1.0  # below, cents are too coarse: an episode costs a tenth of one
# Marks that turn the direction of writing, and characters without any width: a key with one looks like another key.
# Joiners (200C, 200D) stay, for scripts and emoji need them.
_UNSEEN = re.compile("[\u00ad\u061c\u180e\u200b\u200e\u200f\u2060-\u2064\ufeff]")
_MESSAGE_CHARACTERS = 240


def address(bucket: str, key: str) -> Markup:
    """`s3://bucket/key` as text, whole, with a direction of writing of its own. No link, and never signed."""
    return element("bdi", shown(f"s3://{bucket}/{key}"), class_="key")


def shown(text: str) -> str:
    r"""The text with what cannot be seen as its escape (`\x1b`, `\u200f`)."""
    return _UNSEEN.sub(lambda found: found[0].encode("unicode_escape").decode(), printable(text))


def shortened(text: str, most: int = _MESSAGE_CHARACTERS) -> str:
    """At most so many characters of it, ready to be shown. Without secrets, though none should have come this far."""
    text = redact(text)
    return shown(text if len(text) <= most else f"{text[: most - 1]}…")


def count(number: int) -> str:
    """12,345."""
    return f"{number:,}"


def counted(number: int, one: str, many: str) -> str:
    """1 episode, 2 episodes."""
    return f"{count(number)} {one if number == 1 else many}"


def hours(seconds: float) -> str:
    """Hours of audio: < 0.01 h, 0.25 h, 12.5 h, 1,234 h."""
    amount = seconds / _HOUR_S
    if 0 < amount < _LEAST_HOURS:
        return f"< {_LEAST_HOURS} h"
    return f"{amount:,.0f} h" if amount >= _ROUND_HOURS else f"{amount:.1f} h" if amount >= 1 else f"{amount:.2f} h"


def pace(audio_s_per_s: float) -> str:
    """Hours of audio in an hour: 0.15 h, 2.4 h, 301 h."""
    return hours(audio_s_per_s * _HOUR_S) if audio_s_per_s < _WHOLE_PACE else f"{audio_s_per_s:,.0f} h"


def span(seconds: float) -> str:
    """A stretch of time in its two largest units: 41 s, 3 min 20 s, 6 h 12 min, 2 d 4 h."""
    whole = round(seconds)
    if seconds < 10:  # noqa: PLR2004  below, the fraction is worth a look
        return f"{seconds:.1f} s"
    if whole < _MINUTE_S:
        return f"{whole} s"
    for unit_s, name, below_s, below in (
        (_DAY_S, "d", _HOUR_S, "h"),
        (_HOUR_S, "h", _MINUTE_S, "min"),
        (_MINUTE_S, "min", 1, "s"),
    ):
        if whole >= unit_s:
            rest = whole % unit_s // below_s
            return f"{whole // unit_s} {name} {rest} {below}" if rest else f"{whole // unit_s} {name}"
    raise AssertionError(whole)


def usd(amount: float) -> str:
    """12.34 USD; 0.0021 USD; < 0.0001 USD."""
    if 0 < amount < LEAST_USD:
        return f"< {LEAST_USD:.4f} USD"
    return f"{amount:,.2f} USD" if amount >= _SMALL_USD or not amount else f"{amount:.4f} USD"


def cost(totals: Totals) -> str:
    """What transcripts cost, as far as it is known."""
    done = totals.by_state.get("done", 0)
    if not totals.cost_unknown:
        return usd(totals.cost_usd)
    return "not known" if totals.cost_unknown >= done and not totals.cost_usd else f"at least {usd(totals.cost_usd)}"


def share(part: float, whole: float) -> str:
    """A share in percent; nothing of nothing is a dash."""
    if not whole:
        return "–"
    percent = 100 * part / whole
    return f"{percent:.0f} %" if percent >= 1 or not part else "< 1 %"


def moment(at: datetime) -> str:
    """22 Nov 2026, 02:15."""
    return f"{at.day} {at:%b %Y, %H:%M}"
