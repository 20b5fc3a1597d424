"""A house for the transcribe stage: memory implementations with hooks where a test wants to look or interfere."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import builders

from pipeline import keys
from pipeline.audio.base import AudioFacts, AudioProbe, RangeReader
from pipeline.cancellation import CancellationToken
from pipeline.errors import ServiceUnavailableError
from pipeline.limits.memory import MemoryPermits, MemoryRate
from pipeline.limits.memory_budget import MemoryBudget
from pipeline.limits.turns import PermitLine
from pipeline.models import AudioObject, Intent, IntentState, Job, PaidRequest, Recipe
from pipeline.runs.held import HeldLeases
from pipeline.runs.memory import MemoryRuns, MemoryState
from pipeline.runs.memory_leases import MemoryLeases
from pipeline.runs.memory_unshown import MemoryUnshown
from pipeline.speech.memory import Script, ScriptedTranscriber
from pipeline.storage.base import Head
from pipeline.storage.memory import MemoryStorage
from pipeline.transcribe import IntentBook, Rules, Tools, perform, work


def intent_of(job: Job, **changes: Any) -> Intent:
    """An intent of this job, `intended` unless changed."""
    fields: dict[str, Any] = {
        "job_id": job.job_id,
        "object": job.object,
        "recipe": job.recipe,
        "run_id": job.run_id,
        "owner": "another worker",
        "state": IntentState.INTENDED,
        "attempt": 1,
        "url_hash": "0" * 64,
        "intended_at": builders.NOW,
    }
    return Intent(**fields | changes)


class HookedStorage(MemoryStorage):
    """A storage whose writes of intents can be made to fail after so many."""

    fail_intent_writes_after: int | None = None
    on_intent_written: Callable[[], object] | None = None
    lose_metadata = False

    def head(self, bucket: str, key: str) -> Head | None:
        head = super().head(bucket, key)
        return replace(head, metadata={}) if head and self.lose_metadata else head

    def write(self, bucket: str, key: str, body: bytes, **options: Any) -> str:
        if "/intents/" in key and self.fail_intent_writes_after is not None:
            if self.fail_intent_writes_after <= 0:
                raise ServiceUnavailableError("S3 is away")
            self.fail_intent_writes_after -= 1
        etag = super().write(bucket, key, body, **options)
        if "/intents/" in key and (hook := self.on_intent_written):
            self.on_intent_written = None
            hook()
        return etag


class HookedTranscriber(ScriptedTranscriber):
    """Calls a hook before an act."""

    on_submit: Callable[[], object] = staticmethod(lambda: None)
    on_wait: Callable[[], object] = staticmethod(lambda: None)
    on_fetch: Callable[[], object] = staticmethod(lambda: None)

    def submit(self, recipe: Recipe, audio_url: str, **how: Any) -> PaidRequest:
        self.on_submit()
        return super().submit(recipe, audio_url, **how)

    def wait(self, request: PaidRequest, **options: Any) -> None:
        self.on_wait()
        super().wait(request, **options)

    def fetch(self, request: PaidRequest, recipe: Recipe) -> Any:
        self.on_fetch()
        return super().fetch(request, recipe)


class FixedProbe(AudioProbe):
    """Finds a minute of audio, or what it was told to find; reads the first bytes as a real probe would."""

    error: Exception | None = None
    duration_s: float | None = 60.0
    on_probe: Callable[[], object] = staticmethod(lambda: None)

    def probe(self, audio: AudioObject, reader: RangeReader) -> AudioFacts:
        self.on_probe()
        reader.read(0, 10)
        if self.error:
            raise self.error
        return AudioFacts(self.duration_s, "mp3")


class House:
    """One job, its audio in storage, and all tools; time stands still until `later`."""

    def __init__(self, storage: HookedStorage | None = None) -> None:
        self.storage = storage or HookedStorage()
        self.settings = builders.settings()
        self.now: datetime = builders.NOW
        self.probe = FixedProbe()
        self.permits = MemoryPermits(limit=4, lease_s=30.0, recover_s=10.0)
        self.state = MemoryState()
        self.runs = MemoryRuns(self.state, dispatcher_lease_s=15.0, worker_lease_s=30.0)
        self.leases = MemoryLeases(self.state, owner="worker-1", lease_s=30.0)
        self.budget = MemoryBudget()
        self.unshown = MemoryUnshown()
        self.script(Script(answer=builders.answer()))
        self.job = self.new_version(b"a recording")

    def script(self, *scripts: Script) -> None:
        """Decides the fate of the requests to come."""
        self.transcriber = HookedTranscriber(
            *(script if script.answer.transcript.text != "hello" else self._with_answer(script) for script in scripts)
        )

    def _with_answer(self, script: Script) -> Script:
        return replace(script, answer=builders.answer())

    def finish(self, request_id: str) -> None:
        """Lets an accepted request succeed from now on."""
        self.transcriber._requests[request_id] = Script(answer=builders.answer())

    @property
    def tools(self) -> Tools:
        cancel = CancellationToken()
        return Tools(
            rules=Rules(self.settings, "worker-1", random.Random(7)),
            storage=self.storage,
            transcriber=self.transcriber,
            runs=self.runs,
            leases=HeldLeases(self.leases),
            permits=PermitLine(self.permits, cancel),
            rate=MemoryRate(per_s=1000, burst=1000),
            budget=self.budget,
            probe=self.probe,
            cancel=cancel,
            now=lambda: self.now,
            unshown=self.unshown,
        )

    def work(self, job: Job | None = None) -> Any:
        """Works on a job as a worker that has got its message, and returns the outcome."""
        job = job or self.job
        self.runs.add(job.run_id, [job])
        self.lease_runs_out(job)  # whoever had it before has ended, or its countdown is over
        tools = self.tools
        return perform(work(job, tools.rules), job, tools)

    def lease_runs_out(self, job: Job | None = None) -> None:
        """Whoever holds the job has not been heard of for too long."""
        self.state.leases.pop((job or self.job).job_id, None)

    def forget_intent(self) -> None:
        """Deletes the intent, as the dispatcher does with that of a finished job."""
        self.storage.delete("podcasts", keys.intent_key(self.job.output, self.job.job_id))

    def new_version(self, body: bytes) -> Job:
        """Puts the audio and returns the job for it."""
        etag = self.storage.put("podcasts", "show/ep1.mp3", body)
        return builders.job(builders.audio(etag=etag, size_bytes=len(body)))

    def later(self, **by: float) -> None:
        """Moves the clock."""
        self.now += timedelta(**by)

    def intent(self) -> Intent | None:
        kept = IntentBook(self.storage).read(self.job)
        return kept.intent if kept else None

    def leave_intent(self, state: IntentState) -> Intent:
        """Leaves an intent as another worker would."""
        intent = intent_of(self.job, state=state)
        self.storage.put(
            "podcasts", keys.intent_key(self.job.output, self.job.job_id), intent.model_dump_json(indent=1).encode()
        )
        return intent

    @property
    def held_permits(self) -> int:
        return self.permits.use().held

    def read(self, key: str) -> bytes:
        stored = self.storage.read("podcasts", key)
        assert stored is not None, key
        return stored.body
