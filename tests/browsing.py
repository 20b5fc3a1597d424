"""Pages in a real browser: Debian's Chromium, driven as a person would. Fixtures; `tests/conftest.py` has them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from debian import installed
from playwright.sync_api import Browser, Page, sync_playwright

PHONE, DESK = 390, 1280
"""The two widths, in CSS pixels, at which pages are looked at."""


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of Chromium."""
    return installed("chromium", "chromium", "fonts-dejavu-core")


@pytest.fixture
def browser(chromium: str) -> Iterator[Browser]:
    """A fresh browser. One per test: Playwright's loop must not outlive it, for others use loops of their own."""
    with sync_playwright() as playwright:
        # The sandbox needs rights that containers do not give; the pages are our own.
        started = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def open_page(browser: Browser) -> Callable[..., Page]:
    """Opens a page of a width, light or dark; whatever the page asks of another machine is refused."""

    def opened(url: str, width: int = DESK, **context: Any) -> Page:
        page = browser.new_context(viewport={"width": width, "height": 800}, **context).new_page()
        page.goto(url, wait_until="load")
        return page

    return opened


@pytest.fixture
def picture(tmp_path: Path) -> Callable[..., Path]:
    """Takes a screenshot of a page under docs/images when PICTURES is set, else only into the test's folder.

    `make pictures` sets it: pixels differ between machines, so a plain test run must not change tracked files.
    """
    folder = Path(__file__).parent.parent / "docs" / "images" if os.environ.get("PICTURES") else tmp_path

    def taken(page: Page, name: str, **options: Any) -> Path:
        path = folder / f"{name}.png"
        page.screenshot(path=path, **options)
        assert path.read_bytes().startswith(b"\x89PNG")
        return path

    return taken
