"""HTML by construction: whatever is not made here is escaped."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

_WITHOUT_END = frozenset({"meta", "br"})  # HTML's; in SVG every element has an end, or holds all that follows it


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def element(name: str, *children: str | None, **attributes: str | float | None) -> Markup:
    """An element. Text among the children and all attributes are escaped; None is left out.

    Names of attributes are written as Python allows: `class_`, `aria_label`.
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_number(value), quote=True)}"'
        for key, value in attributes.items()
        if value is not None
    )
    start = f"<{name}{written}>"
    return Markup(start if name in _WITHOUT_END else f"{start}{joined(children)}</{name}>")


def joined(children: Iterable[str | None]) -> Markup:
    """Children one after another."""
    return Markup("".join(one if isinstance(one, Markup) else escape(one, quote=False) for one in children if one))


def _number(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.5g}"
