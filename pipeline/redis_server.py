"""The door to Redis or Valkey (6.2 or later): makes the client, loads scripts, and turns failures into our errors.

The only file that imports redis; the keys and what they mean belong to `limits` and `runs`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import resources
from typing import Any

import redis
from redis import exceptions
from redis.backoff import ExponentialBackoff
from redis.connection import parse_url
from redis.retry import Retry

from pipeline.errors import ConfigurationError, ServiceUnavailableError

Client = redis.Redis
# Calls last about a millisecond, so that this many connections serve a thousand slots; more of them wait in line.
_CONNECTIONS = 32

_AWAY = ServiceUnavailableError  # it may answer later
_REFUSES = ConfigurationError  # a person must mend the server, its rights, or a fault of ours in asking

# Every exception of redis-py. One that is not here is taken for its nearest ancestor.
REDIS_EXCEPTIONS: Mapping[type[Exception], type[ServiceUnavailableError | ConfigurationError]] = {
    exceptions.RedisError: _AWAY,
    exceptions.ConnectionError: _AWAY,
    exceptions.TimeoutError: _AWAY,
    exceptions.BusyLoadingError: _AWAY,
    exceptions.MaxConnectionsError: _AWAY,
    exceptions.InvalidResponse: _AWAY,
    exceptions.PubSubError: _AWAY,
    exceptions.ClusterError: _AWAY,
    exceptions.ClusterDownError: _AWAY,
    exceptions.MasterDownError: _AWAY,
    exceptions.TryAgainError: _AWAY,
    exceptions.AuthenticationError: _REFUSES,
    exceptions.AuthorizationError: _REFUSES,
    exceptions.ExternalAuthProviderError: _REFUSES,
    exceptions.AuthenticationWrongNumberOfArgsError: _REFUSES,
    exceptions.NoPermissionError: _REFUSES,
    exceptions.ResponseError: _REFUSES,
    exceptions.OutOfMemoryError: _REFUSES,
    exceptions.ReadOnlyError: _REFUSES,
    exceptions.NoScriptError: _REFUSES,
    exceptions.ExecAbortError: _REFUSES,
    exceptions.ModuleError: _REFUSES,
    exceptions.NoSuchFieldsetError: _REFUSES,
    exceptions.AskError: _REFUSES,
    exceptions.MovedError: _REFUSES,
    exceptions.ClusterCrossSlotError: _REFUSES,
    exceptions.DataError: _REFUSES,
    exceptions.WatchError: _REFUSES,
    exceptions.LockError: _REFUSES,
    exceptions.LockNotOwnedError: _REFUSES,
    exceptions.ChildDeadlockedError: _REFUSES,
    exceptions.IncorrectPolicyType: _REFUSES,
    exceptions.RedisClusterException: _REFUSES,
    exceptions.SlotNotCoveredError: _REFUSES,
    exceptions.CrossSlotTransactionError: _REFUSES,
    exceptions.InvalidPipelineStack: _REFUSES,
}


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
            "redis.url is not a URL of a Redis server. Write redis://[user:password@]host:port/database, or rediss:// "
            "for TLS, with special characters of the password percent-encoded."
        ) from None  # the cause quotes parts of the URL, and so perhaps of the password
    return redis.Redis.from_pool(pool)


def server_name(url: str) -> str:
    """Where the server is, for messages: host and port, or the path of a socket; never user or password.

    Raises nothing: a URL that is none was refused by `connect`.
    """
    try:
        return _place(parse_url(url))  # type: ignore[no-untyped-call]  # redis-py gives it no types
    except ValueError:
        return "redis.url"


def lua(package: str, name: str) -> str:
    """The text of a package's script."""
    return resources.files(package).joinpath(f"{name}.lua").read_text(encoding="utf-8")


@contextmanager
def asking(client: Client) -> Iterator[None]:
    """Turns what redis-py raises in the block into our errors, naming the server and never its password."""
    try:
        yield
    except tuple(REDIS_EXCEPTIONS) as error:
        raise _translated(error, client) from error
    except UnicodeError as error:
        raise ConfigurationError(
            f"redis.url names no server that there can be: {_place(client.connection_pool.connection_kwargs)}."
        ) from error


def _place(at: Mapping[str, Any]) -> str:
    return str(at.get("path") or f"{at.get('host', 'localhost')}:{at.get('port', 6379)}")


def _translated(error: Exception, client: Client) -> ServiceUnavailableError | ConfigurationError:
    server = _place(client.connection_pool.connection_kwargs)
    kind = next((REDIS_EXCEPTIONS[kind] for kind in type(error).__mro__ if kind in REDIS_EXCEPTIONS), _AWAY)
    if kind is ConfigurationError:
        return ConfigurationError(
            f"The Redis server at {server} refuses to work ({str(error)[:400]}). "
            "Mend the server (memory, disk, role), or redis.url (user, password, database)."
        )
    return ServiceUnavailableError(
        f"The Redis server at {server} does not answer ({str(error)[:400]}). Check that it runs, and REDIS_URL."
    )
