"""What a suspended generator still knows: two that will go on alike are one place, whatever was answered before.

Of each frame of the chain: where it stands, and the locals that may still be read. A local may be read when the
bytecode from there on does, or when the statement that is being executed names it (its value may be in use already).
"""

from __future__ import annotations

import ast
import dis
import sys
from collections.abc import Callable, Generator, Hashable
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from functools import cache
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

from pipeline.models import (
    Answer,
    Cost,
    Failure,
    Intent,
    Job,
    ManifestRow,
    PaidRequest,
    Recipe,
    Sidecar,
    StoryLine,
)
from pipeline.settings import Settings
from pipeline.settings.records import FalSettings
from pipeline.transcribe.results import Standing
from pipeline.transcribe.rules import Rules

_KNOWN_BYTECODE = sys.version_info[:2] == (3, 11)
_JUMPS_AWAY = frozenset({"RETURN_VALUE", "RAISE_VARARGS", "RERAISE", "JUMP_FORWARD", "JUMP_BACKWARD"})
_PLAIN = (type(None), bool, int, float, str, datetime, Enum)
# The same for every worker and job of a place, or what decides nothing: stories.
_CONSTANT = (Job, Rules, Settings, FalSettings, Recipe, StoryLine, type, FunctionType)
_TOLD: dict[type, Callable[[Any], Hashable]] = {
    PaidRequest: lambda request: (request.request_id, request.submitted_at),
    Standing: lambda standing: (standing.etag, standing.row is not None),
    Failure: lambda failure: (failure.kind, failure.reason),
    Cost: lambda cost: cost.usd,
    # What is doubtful is written elsewhere; what else a transcript says decides nothing.
    Sidecar: lambda sidecar: bool(sidecar.quality.findings),
    Answer: lambda answer: answer.transcript.text,
}

NumberOf = Callable[[Intent | ManifestRow], int]
"""Names intents and rows."""


def knowledge(generator: Generator[Any, Any, Any], number_of: NumberOf) -> Hashable:
    """What the generator, and those that it delegates to, still know. Empty when it has ended."""
    found = []
    at: Any = generator
    while at is not None and at.gi_frame is not None:
        frame, code = at.gi_frame, at.gi_code
        names = _live(code, frame.f_lasti) | _named(code.co_filename, frame.f_lineno)
        known = tuple(
            (name, _value(value, number_of))
            for name, value in sorted(frame.f_locals.items())
            if name in names or isinstance(value, BaseException)  # which may be raised again without being named
        )
        found.append((code.co_qualname, frame.f_lasti, known))
        at = at.gi_yieldfrom
    return tuple(found)


def _value(value: Any, number_of: NumberOf) -> Hashable:
    kind = type(value)
    if isinstance(value, _PLAIN):
        known: Hashable = value
    elif isinstance(value, Intent | ManifestRow):
        known = kind.__name__, number_of(value)
    elif isinstance(value, tuple):
        known = tuple(_value(part, number_of) for part in value if not isinstance(part, StoryLine))
    elif isinstance(value, BaseException):
        known = kind.__name__, getattr(value, "reason", "")
    elif kind in _TOLD:
        known = kind.__name__, _TOLD[kind](value)
    elif isinstance(value, _CONSTANT):
        known = kind.__name__
    elif is_dataclass(value):
        known = kind.__name__, tuple(_value(getattr(value, field.name), number_of) for field in fields(value))
    else:
        raise TypeError(f"say in tests/model/frames.py what matters of a {kind.__name__}")
    return known


@cache
def _live(code: CodeType, lasti: int) -> frozenset[str]:
    """The locals that may be read after this instruction."""
    if not _KNOWN_BYTECODE:
        return frozenset(code.co_varnames)
    return _liveness(code)[lasti] | {*code.co_cellvars, *code.co_freevars}


@cache
def _liveness(code: CodeType) -> dict[int, frozenset[str]]:
    """For each instruction, the locals that may be read after it."""
    follows = _follows(code)
    before = dict.fromkeys(follows, frozenset[str]())
    after = dict(before)
    instructions = list(dis.Bytecode(code))[::-1]
    is_changing = True
    while is_changing:
        is_changing = False
        for instruction in instructions:
            offset, name = instruction.offset, instruction.opname
            out = frozenset().union(*(before[then] for then in follows[offset]))
            into = out
            if name in {"STORE_FAST", "DELETE_FAST"}:
                into = out - {instruction.argval}
            elif "FAST" in name:
                into = out | {instruction.argval}
            is_changing = is_changing or (out, into) != (after[offset], before[offset])
            after[offset], before[offset] = out, into
    return after


def _follows(code: CodeType) -> dict[int, set[int]]:
    """For each instruction, those that may come next, by offset."""
    bytecode = dis.Bytecode(code)
    instructions = list(bytecode)
    follows: dict[int, set[int]] = {}
    for here, then in zip(instructions, [*instructions[1:], None], strict=True):
        after = follows.setdefault(here.offset, set())
        if then and here.opname not in _JUMPS_AWAY:
            after.add(then.offset)
        if here.opcode in dis.hasjrel or here.opcode in dis.hasjabs:
            after.add(here.argval)
        after |= {entry.target for entry in bytecode.exception_entries if entry.start <= here.offset < entry.end}
    return follows


@cache
def _expressions(path: str) -> list[tuple[int, int, frozenset[str]]]:
    """First and last line, and the names, of each expression that a statement is made of."""
    found = []
    for statement in ast.walk(ast.parse(Path(path).read_text("utf-8"))):
        if isinstance(statement, ast.stmt):
            for part in ast.iter_child_nodes(statement):
                if isinstance(part, ast.expr):
                    names = frozenset(node.id for node in ast.walk(part) if isinstance(node, ast.Name))
                    found.append((part.lineno, part.end_lineno or part.lineno, names))
    return found


@cache
def _named(path: str, line: int) -> frozenset[str]:
    """The names in the statement of this line."""
    return frozenset().union(*(names for first, last, names in _expressions(path) if first <= line <= last))
