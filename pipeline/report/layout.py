"""How a section looks."""

from __future__ import annotations

from pipeline.drawing import Markup, element


def section(title: str, lead: str | Markup | None, *content: Markup) -> Markup:
    """A heading, a sentence that says what is to be seen, and what is to be seen."""
    said = element("p", lead, class_="lead") if lead else None
    return element("section", element("h2", title), said, *content)


def prose(text: str) -> Markup:
    """A sentence of ours in which `backticks` stand around what is typed."""
    pieces = text.split("`")
    return element("span", *(element("code", one) if at % 2 else one for at, one in enumerate(pieces)))
