"""Puts a story into words."""

from __future__ import annotations

from typing import Any

from model.words import Words
from model.world import JobState, Message


class Teller:
    """Names acts, answers, intents and rows for people."""

    def __init__(self, words: Words) -> None:
        self._words = words

    def line(self, told: tuple[Any, ...]) -> str:
        """One step: an event, a message that is taken or put off, or the acts of a worker with their answers."""
        match told:
            case (int(index), str(does), Message() as message, list() as acts):
                run = self._words.runs[message.job]
                return f"worker {index} {does} the message of job {message.number}, run {run}{self._acts('; ', acts)}"
            case (int(index), list() as acts):
                return f"worker {index}{self._acts(': ', acts)}"
            case _:
                return str(told[0])

    def row(self, number: int) -> str:
        """State and reason of a row."""
        facts = self._words.rows[number]
        return f"{facts.state} {facts.reason or ''}".strip() if facts else "nothing"

    def job(self, job: JobState) -> str:
        """What has become of an object; its URLs have no names in this."""
        intent = self._words.intent_facts[job.intent]
        requests = [request._replace(url=0) for request in job.requests]
        return f"{self.row(job.row)}, sidecar {job.sidecar}, {requests}, {intent._replace(url=0) if intent else None}"

    def _acts(self, start: str, acts: list[tuple[Any, ...]]) -> str:
        if not acts:
            return ""
        done = [f"{self._shown(op)} -> {self._shown(answer)}" for op, answer, _ in acts]
        last = acts[-1][2]
        return f"{start}{'; '.join(done)}{f'; ends: {last[1]}' if last[0] == 'End' else ''}"

    def _shown(self, value: tuple[Any, ...]) -> str:
        kind, *held = value
        match kind:
            case "WriteIntent":
                held = [self._intent(held[0]), f"over {self._intent(held[1])}"]
            case "kept":
                held = [self._intent(held[0])]
            case "Settle":
                held = [self.row(held[0])]
        return f"{kind}({', '.join(map(str, held))})" if held else str(kind)

    def _intent(self, number: int) -> str:
        facts = self._words.intent_facts[number]
        if facts is None:
            return "nothing"
        request = f", r-{facts.request[0]} by {facts.request[1]}" if facts.request else ""
        return f"{facts.state}, attempt {facts.attempt}, URL {facts.url} of moment {facts.signed_at}{request}"
