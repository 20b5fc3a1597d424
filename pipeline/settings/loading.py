"""Reads the settings: the packaged defaults < profile < file < environment, remembering where each value came from."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import SecretStr, ValidationError

from pipeline.errors import ConfigurationError
from pipeline.settings.records import MAX_URL_LIFETIME_S, Settings

PROFILES = ("default", "local", "production")
_DEFAULTS = ("default", "nights")  # each setting is in one of them
_VARIABLE_PREFIX = "NIGHTSCRIBE_"
# Up to the last `@`: a password that should have been escaped is one, too.
_URL_PASSWORD = re.compile(r"(://[^/:@]*:).+@")
_CONTROL_VARIABLES = {"NIGHTSCRIBE_PROFILE", "NIGHTSCRIBE_CONFIG"}


@dataclass(frozen=True)
class LoadedSettings:
    """Settings with the origin of each value, by dotted name."""

    settings: Settings
    origins: Mapping[str, str]


def load_settings(environment: Mapping[str, str]) -> LoadedSettings:
    """Merges default.toml with nights.toml, the profile, the file and the environment, in that order.

    Raises `ConfigurationError` for a file that does not parse, an unknown name (with the nearest known one) or a
    value of the wrong kind, naming where it stands.
    """
    profile = environment.get("NIGHTSCRIBE_PROFILE", "default")
    if profile not in PROFILES:
        raise ConfigurationError(
            f"NIGHTSCRIBE_PROFILE is {profile!r}; there are: {', '.join(PROFILES)}.{_nearest(profile, PROFILES)}"
        )
    defaults: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for name in _DEFAULTS:
        settings_there = _flatten(_parse(_packaged(name), f"configs/{name}.toml"))
        defaults |= settings_there
        origins |= dict.fromkeys(settings_there, f"configs/{name}.toml")
    values = dict(defaults)
    layers: list[tuple[str, dict[str, Any]]] = []
    if profile != "default":
        layers.append((f"configs/{profile}.toml", _flatten(_parse(_packaged(profile), f"configs/{profile}.toml"))))
    if path := environment.get("NIGHTSCRIBE_CONFIG"):
        layers.append((path, _flatten(_parse(_read(path), path))))
    for origin, layer in layers:
        for name, value in layer.items():
            _require_known(name, defaults, origin)
            values[name] = value
            origins[name] = origin
    for name, value, origin in _from_environment(environment, defaults):
        values[name] = value
        origins[name] = origin
    return LoadedSettings(_validate(values, origins), origins)


def _packaged(profile: str) -> str:
    return resources.files("configs").joinpath(f"{profile}.toml").read_text("utf-8")


def _read(path: str) -> str:
    try:
        return Path(path).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"Cannot read the configuration file {path}: {error}.") from error


def _parse(text: str, origin: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{origin} is not valid TOML: {error}.") from error


def _flatten(tables: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """`{"a": {"b": 1}}` to `{"a.b": 1}`. Prices keep their endpoint id as one name: `prices.fal-ai/whisper`."""
    flat: dict[str, Any] = {}
    for name, value in tables.items():
        full = f"{prefix}{name}"
        if isinstance(value, Mapping) and not prefix.startswith("prices."):
            flat |= _flatten(value, f"{full}.")
        else:
            flat[full] = value
    return flat


def _is_open_table(name: str) -> bool:
    # These two tables are keyed by endpoint id and by file extension: any name is right there.
    return name.startswith(("prices.", "audio.assumed_kbps."))


def _require_known(name: str, known: Mapping[str, Any], origin: str) -> None:
    if name not in known and not _is_open_table(name):
        raise ConfigurationError(f"{origin}: there is no setting {name!r}.{_nearest(name, known)}")


def _from_environment(environment: Mapping[str, str], defaults: Mapping[str, Any]) -> list[tuple[str, Any, str]]:
    variables = {
        _VARIABLE_PREFIX + name.upper().replace(".", "_"): name for name in defaults if not _is_open_table(name)
    }
    found = []
    if url := environment.get("REDIS_URL"):
        found.append(("redis.url", url, "REDIS_URL"))
    for variable, text in environment.items():
        if not variable.startswith(_VARIABLE_PREFIX) or variable in _CONTROL_VARIABLES:
            continue
        if variable not in variables:
            raise ConfigurationError(
                f"The environment variable {variable} names no setting.{_nearest(variable, variables)}"
            )
        name = variables[variable]
        value: Any = [part.strip() for part in text.split(",")] if isinstance(defaults[name], list) else text
        found.append((name, value, variable))
    return found


def _nearest(name: str, known: Mapping[str, Any] | tuple[str, ...]) -> str:
    match = difflib.get_close_matches(name, list(known), n=1, cutoff=0.4)
    return f" Did you mean {match[0]!r}?" if match else ""


def _validate(values: Mapping[str, Any], origins: Mapping[str, str]) -> Settings:
    tree: dict[str, Any] = {"prices": {}}
    for name, value in values.items():
        table, _, rest = name.partition(".")
        if table == "prices":
            tree["prices"][rest] = value
        elif rest.startswith("assumed_kbps."):
            tree[table].setdefault("assumed_kbps", {})[rest.removeprefix("assumed_kbps.")] = value
        else:
            tree.setdefault(table, {})[rest] = value
    try:
        settings = Settings.model_validate(tree)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        parts = [str(part) for part in first["loc"]]
        name = ".".join(parts)
        origin = origins.get(name) or origins.get(".".join(parts[:2]), "configs/default.toml")
        raise ConfigurationError(f"{origin}: the setting {name!r} is wrong: {first['msg']}.") from None
    _check_together(settings, origins)
    return settings


def _check_together(settings: Settings, origins: Mapping[str, str]) -> None:
    """Rules between settings, each of which would otherwise fail late and expensively."""
    if settings.queue.low_water >= settings.queue.high_water:
        raise ConfigurationError(
            f"{origins['queue.low_water']}: queue.low_water ({settings.queue.low_water}) must be below "
            f"queue.high_water ({settings.queue.high_water})."
        )
    if settings.fal.start_timeout_s >= settings.url_lifetime_s:
        raise ConfigurationError(
            f"{origins['fal.start_timeout_s']}: fal.start_timeout_s ({settings.fal.start_timeout_s:g} s) must be "
            f"shorter than audio.presign_expiry_s ({settings.url_lifetime_s} s), or fal may open a URL "
            "that has expired."
        )
    if settings.url_lifetime_s > MAX_URL_LIFETIME_S:
        raise ConfigurationError(
            f"{origins['fal.start_timeout_s']}: with fal.start_timeout_s ({settings.fal.start_timeout_s:g} s) a URL "
            f"would have to open for {settings.url_lifetime_s} s, and S3 allows {MAX_URL_LIFETIME_S} s. Lower it, or "
            "set audio.presign_expiry_s."
        )


def shown(loaded: LoadedSettings) -> list[tuple[str, Any, str]]:
    """All settings as (name, value, origin), secrets masked; for `nightscribe config show`."""
    dumped, origins = _flatten(loaded.settings.model_dump(mode="json")), loaded.origins
    dumped["redis.url"] = loaded.settings.redis.url.get_secret_value()
    return [
        (name, _URL_PASSWORD.sub(r"\1**********@", value) if isinstance(value, str) else value, origins.get(name, ""))
        for name, value in sorted(dumped.items())
    ]


def fal_key(environment: Mapping[str, str]) -> SecretStr | None:
    """The fal key as fal's own tools read it: FAL_KEY, else FAL_KEY_ID and FAL_KEY_SECRET; empty counts as unset."""
    if key := environment.get("FAL_KEY", "").strip():
        return SecretStr(key)
    key_id = environment.get("FAL_KEY_ID", "").strip()
    secret = environment.get("FAL_KEY_SECRET", "").strip()
    return SecretStr(f"{key_id}:{secret}") if key_id and secret else None
