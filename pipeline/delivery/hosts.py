"""Whether a host is one that only this network can reach."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

# Names that are never looked up from outside (RFC 6761, 6762, 8375, and ICANN's own choice of `internal`).
_PRIVATE_NAME = re.compile(r"(?:.*\.)?(?:localhost|local|internal|localdomain|home\.arpa)\.?")
# AWS's own hosts are public, also where a VPC endpoint gives them a private address.
_AWS = re.compile(r".*\.(?:amazonaws\.com(?:\.cn)?|api\.aws)\.?")


def addresses_of(host: str) -> list[str]:
    """The addresses of a name, as this machine sees them; none when it knows no such name."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return [str(address[4][0]) for address in found]


def is_private(server: str, look_up: Callable[[str], Iterable[str]] = addresses_of) -> bool:
    """Whether `host[:port]`, or a URL's host, is a loopback, private or link-local one.

    A name that does not resolve here is not judged, nor one that also has a public address.
    """
    try:
        host = (urlsplit(server if "://" in server else f"//{server}").hostname or "").lower()
    except ValueError:
        return False
    if _AWS.fullmatch(host):
        return False
    if _PRIVATE_NAME.fullmatch(host):
        return True
    found = [host] if _as_address(host) else list(look_up(host)) if host else []
    return bool(found) and all(_is_unreachable(address) for address in found)


def _as_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text.partition("%")[0])  # fe80::1%eth0
    except ValueError:
        return None


def _is_unreachable(text: str) -> bool:
    address = _as_address(text)
    return address is not None and not address.is_global
