"""The door to Redis or Valkey (6.2 or later): makes the client, loads scripts, and turns failures into our errors.

The only file that imports redis; the keys and what they mean belong to `limits` and `runs`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources

import redis
from redis.backoff import ExponentialBackoff
from redis.retry import Retry

from pipeline.errors import ConfigurationError, ServiceUnavailableError

Client = redis.Redis
# Calls last about a millisecond, so that this many connections serve a thousand slots; more of them wait in line.
_CONNECTIONS = 32


def connect(url: str, *, connect_timeout_s: float, socket_timeout_s: float) -> Client:
    """A client for many threads, which connects when it is first used; the caller closes it.

    A lost connection is tried three times within half a second, here and nowhere else (I5); a timeout is not.
    Raises `ConfigurationError` on a URL that is none, without repeating it.
    """
    try:
        pool = redis.BlockingConnectionPool.from_url(
            url,
            max_connections=_CONNECTIONS,
            timeout=socket_timeout_s,
            socket_connect_timeout=connect_timeout_s,
            socket_timeout=socket_timeout_s,
            socket_keepalive=True,
            decode_responses=True,
            retry=Retry(ExponentialBackoff(cap=0.25, base=0.05), 2, supported_errors=(redis.ConnectionError,)),
        )
    except ValueError:
        raise ConfigurationError(
            "redis.url is not a URL of a Redis server. Write redis://[user:password@]host:port/database, rediss:// for "
            "TLS or unix:// for a socket, with special characters of the password percent-encoded."
        ) from None  # the cause quotes parts of the URL, and so perhaps of the password
    return redis.Redis.from_pool(pool)


def lua(package: str, name: str) -> str:
    """The text of a package's script."""
    return resources.files(package).joinpath(f"{name}.lua").read_text(encoding="utf-8")


@contextmanager
def asking(client: Client) -> Iterator[None]:
    """Turns what redis-py raises in the block into our errors, naming the server and never its password."""
    try:
        yield
    except redis.RedisError as error:
        raise _translated(error, client) from error


def _translated(error: redis.RedisError, client: Client) -> ServiceUnavailableError | ConfigurationError:
    at = client.connection_pool.connection_kwargs
    server = at.get("path") or f"{at.get('host', 'localhost')}:{at.get('port', 6379)}"
    if isinstance(error, redis.ResponseError | redis.AuthenticationError):
        return ConfigurationError(
            f"The Redis server at {server} refuses to work ({str(error)[:400]}). "
            "Mend the server (memory, disk, role), or redis.url (user, password, database)."
        )
    return ServiceUnavailableError(
        f"The Redis server at {server} does not answer ({str(error)[:400]}). Check that it runs, and REDIS_URL."
    )
