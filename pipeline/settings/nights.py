"""The shapes of the settings of `configs/nights.toml`: nights, news of them, and those who watch."""

from __future__ import annotations

import re
import shlex
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, field_validator

from pipeline.models import Ending
from pipeline.settings.section import Section

_CLOCK = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
_WEB_ADDRESS = re.compile(r"(https?://[^\s/?#]+([/?]\S*)?)?")


class NightSettings(Section):
    """When a night is, and over what."""

    archives: str
    start: str = Field(pattern=_CLOCK)
    until: str = Field(pattern=rf"{_CLOCK}|^$")
    time_zone: str

    @field_validator("time_zone")
    @classmethod
    def _is_known(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"{name!r} is no time zone; write it as Europe/Berlin") from None
        return name


class NotifySettings(Section):
    """Who hears of a night's end."""

    command: str
    webhook_url: SecretStr  # whoever knows it may write to the channel
    on: tuple[Ending, ...]
    timeout_s: float = Field(gt=0)

    @field_validator("command")
    @classmethod
    def _has_words(cls, command: str) -> str:
        try:
            shlex.split(command)
        except ValueError:  # its text is about the shell
            raise ValueError("its quotes do not pair; it is words as in a shell") from None
        return command

    @field_validator("webhook_url")
    @classmethod
    def _is_web_address(cls, url: SecretStr) -> SecretStr:
        if not _WEB_ADDRESS.fullmatch(url.get_secret_value()):
            raise ValueError("it is no address that begins with https:// (or http://)")  # and is a secret: not quoted
        return url


class MetricsSettings(Section):
    """The exporter."""

    host: str
    port: int = Field(ge=0, le=65_535)
    manifest_every_s: float = Field(ge=0)


class ListenSettings(Section):
    """How events of S3 become runs."""

    gather_s: float = Field(ge=0)
    batch_size: int = Field(ge=1)
    visibility_s: int = Field(ge=30, le=43_200)  # SQS's own bound
