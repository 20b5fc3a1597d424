"""What tests of several tiers share: the embedded stack of this test process, and archives on it."""

from __future__ import annotations

import signal

import pytest
from archives import Archive, Servers
from hypothesis import settings

# How long an example takes tells of the machine, which is busy with other tests.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")

# Whoever starts the tests in a shell's background has Ctrl-C ignored, by us and by every program that we start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

pytest_plugins = ["browsing", "prometheus"]


@pytest.fixture(scope="session")
def servers(tmp_path_factory):
    """Valkey, SeaweedFS and the emulator with the scripted engine: one of each per test process."""
    with Servers(tmp_path_factory.mktemp("stack")) as running:
        yield running


@pytest.fixture
def archive(servers, tmp_path):
    """An empty archive of its own for a test: bucket, Redis keys and processes apart from all others."""
    with Archive(servers, tmp_path) as made:
        yield made


def pytest_terminal_summary(terminalreporter):
    """What a test has to say in figures, also when it passes: `record_property("summary", text)`."""
    for report in terminalreporter.getreports("passed"):
        for name, text in report.user_properties:
            if name == "summary":
                terminalreporter.write_line(f"\n{text}")
