"""The fault script: which rule fires for which act. Decides only; `gate` and `processing` do what it says.

A rule that could never do anything (a garbled status, say) is refused, so that no test passes for want of its fault.
"""

import random
from typing import Any, Literal, Self
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, field_validator, model_validator

from emulator.fal.outcomes import model_error, request_error
from emulator.fal.request import Outcome

HttpStage = Literal["submit", "status", "result", "cancel", "history", "token", "upload", "pricing", "delete"]
Stage = HttpStage | Literal["process", "download", "webhook"]
# What these ask names no audio, so a rule for some audio would never match them.
_NAMELESS = frozenset({"history", "token", "pricing", "delete"})


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Failure(_Strict):
    """A request that ends COMPLETED with an error, replayed by its result (docs/fal.md section 5)."""

    status: int = 500
    error_type: str | None = "runner_server_error"
    detail: str | list[dict[str, Any]] = "Internal Server Error"
    headers: dict[str, str] = {}

    def outcome(self) -> Outcome:
        """A list as detail makes a model error, a text an infrastructure error."""
        if isinstance(self.detail, list):
            return model_error(self.detail, self.status, self.headers)
        return request_error(self.error_type, self.detail, self.status, self.headers)


class Misdeed(_Strict):
    """What goes wrong. Several may be given together; all times are seconds."""

    hold_s: float = Field(default=0, ge=0)
    """Act late: a submit is accepted only after this time, also when the caller has long gone."""
    delay_s: float = Field(default=0, ge=0)
    """Act at once and answer late."""
    status: int | None = None
    """Answer with this code instead of acting; without x-fal-request-id, as the ingress does."""
    headers: dict[str, str] = {}
    body: Any = None
    """JSON, or a text that is sent as HTML."""
    lose_reply: bool = False
    """Act, then close the connection without an answer."""
    drop: bool = False
    """Close the connection without acting; in a download: the file cannot be fetched."""
    truncate_body: bool = False
    """Close the connection in the middle of the body."""
    cut_json: bool = False
    """Send half of the JSON as a complete answer."""
    garble: bool = False
    """The output with the defects of its family: bent times, half a text, no language (docs/fal.md section 14)."""
    fail: Failure | None = None
    regress_s: float | None = Field(default=None, ge=0)
    """Go back from IN_PROGRESS to IN_QUEUE after this time, and wait there as long."""
    repeat: int = Field(default=0, ge=0)
    """Send a webhook that was taken this many times more."""
    forge: bool = False
    """Sign a webhook with a key that is not among the public ones."""
    unsigned: bool = False
    """Send a webhook without the headers of its signature."""
    age_s: float = Field(default=0, ge=0)
    """Put this much older a time stamp on a webhook, and sign it so."""
    payload_error: bool = False
    """Leave the output out of a webhook, as one that could not be serialised."""
    stray: bool = False
    """First send a webhook of somebody else's request for a job that there is not."""


_HTTP_MISDEEDS = {"hold_s", "delay_s", "status", "headers", "body", "lose_reply", "drop", "truncate_body", "cut_json"}
_POSSIBLE: dict[str, set[str]] = {
    "process": {"hold_s", "delay_s", "garble", "fail", "regress_s"},
    "download": {"hold_s", "delay_s", "fail", "drop"},
    "webhook": {
        *("hold_s", "drop", "truncate_body", "cut_json"),
        *("repeat", "forge", "unsigned", "age_s", "payload_error", "stray"),
    },
}


class Match(_Strict):
    """Which requests a rule is for; what is not given matches all."""

    path_contains: str | None = None
    """A part of the audio URL's path, as it is sent or percent-decoded; in an upload, of the file's name."""
    endpoint: str | None = None


class Rule(_Strict):
    """One fault: where, for whom, how often, and what."""

    on: Stage
    match: Match = Match()
    skip: int = Field(default=0, ge=0)
    """Let this many matching acts pass first."""
    times: int | None = Field(default=None, ge=1)
    """Fire at most this often; None is without end."""
    share: float | None = Field(default=None, gt=0, le=1)
    """Fire for this share of the matching acts, drawn from the seed; None is all."""
    do: Misdeed

    @field_validator("do", mode="before")
    @classmethod
    def _name_alone(cls, value: Any) -> Any:
        return {value: True} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        impossible = self.do.model_fields_set - _POSSIBLE.get(self.on, _HTTP_MISDEEDS)
        if impossible:
            raise ValueError(f"{', '.join(sorted(impossible))} cannot be done on {self.on!r}")
        if not self.do.model_fields_set:
            raise ValueError("the rule does nothing")
        if self.on in _NAMELESS and self.match.path_contains is not None:
            raise ValueError(f"{self.on!r} names no audio, so path_contains would never match")
        return self


_RULES = TypeAdapter(list[Rule])


class FaultScript:
    """The rules in force, with how often each has matched and fired."""

    def __init__(self, seed: int, rules: Any = ()) -> None:
        self._seed = seed
        self.replace(list(rules))

    def replace(self, rules: Any) -> None:
        """Puts a new script (parsed JSON) in place, counters at zero.

        Raises pydantic.ValidationError, changing nothing.
        """
        self.rules = _RULES.validate_python(rules)
        self.matched = [0] * len(self.rules)
        self.fired = [0] * len(self.rules)
        # A generator for each rule: adding a rule does not change what another one draws.
        self._dice = [random.Random(f"{self._seed}:{number}") for number in range(len(self.rules))]

    def draw(self, stage: Stage, *, endpoint_id: str = "", audio_path: str = "") -> Misdeed | None:
        """The misdeed for this act: that of the first rule that fires, or None."""
        for number, rule in enumerate(self.rules):
            if rule.on == stage and _matches(rule.match, endpoint_id, audio_path) and self._fires(number, rule):
                self.fired[number] += 1
                return rule.do
        return None

    def _fires(self, number: int, rule: Rule) -> bool:
        self.matched[number] += 1
        if self.matched[number] <= rule.skip or (rule.times is not None and self.fired[number] >= rule.times):
            return False
        return rule.share is None or self._dice[number].random() < rule.share


def _matches(match: Match, endpoint_id: str, audio_path: str) -> bool:
    part = match.path_contains
    return (match.endpoint is None or match.endpoint == endpoint_id) and (
        part is None or part in audio_path or part in quote(audio_path)
    )
