"""Finds free loopback ports. They are only free at that instant: a server that loses the race picks again."""

from __future__ import annotations

import random
import socket

GRPC_OFFSET = 10_000  # SeaweedFS listens for gRPC this far above each of its ports
# Below 32768, where Linux begins to hand out ports to outgoing connections, also with the offset added.
_RANGE = range(12_000, 22_000)


def free_ports(count: int) -> list[int]:
    """Different ports that are free together with their gRPC twins. Raises `OSError` when there are hardly any left."""
    found: list[int] = []
    for port in random.sample(_RANGE, k=len(_RANGE)):
        if _is_free(port) and _is_free(port + GRPC_OFFSET):
            found.append(port)
        if len(found) == count:
            return found
    raise OSError(f"There are no {count} free ports between {_RANGE.start} and {_RANGE.stop} on 127.0.0.1.")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As servers do it: a port whose last connections are still in TIME_WAIT counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
