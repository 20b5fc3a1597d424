"""fal's clients are those that are pinned, and their lock files name no host that they must come from."""

import importlib.metadata
import json
import tomllib

from clients.driving import JAVASCRIPT
from emulated_fal import ROOT


def test_the_javascript_lock_has_a_hash_for_every_package_and_no_address():
    lock = json.loads((JAVASCRIPT / "package-lock.json").read_text())

    packages = {name: about for name, about in lock["packages"].items() if name}
    assert all(about["integrity"].startswith("sha512-") for about in packages.values())
    assert "resolved" not in {field for about in packages.values() for field in about}
    assert "://" not in (JAVASCRIPT / "package-lock.json").read_text()


def test_what_is_installed_is_what_is_locked():
    lock = json.loads((JAVASCRIPT / "package-lock.json").read_text())
    pinned = json.loads((JAVASCRIPT / "package.json").read_text())["dependencies"]
    dev = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["dev"]

    for name, about in lock["packages"].items():
        if name:
            assert json.loads((JAVASCRIPT / name / "package.json").read_text())["version"] == about["version"]
    assert pinned == {"@fal-ai/client": lock["packages"]["node_modules/@fal-ai/client"]["version"]}
    assert f"fal-client=={importlib.metadata.version('fal-client')}" in dev
