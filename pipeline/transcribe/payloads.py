"""What fal keeps of a job's input and output, as far as a worker has a hand in it. Never fails a job."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from pipeline import logs
from pipeline.cancellation import Cancelled
from pipeline.errors import NightscribeError
from pipeline.models import Job, PaidRequest
from pipeline.runs.unshown import Unshown
from pipeline.speech.base import Transcriber


@dataclass(frozen=True, slots=True)
class Payloads:
    """The payloads of one job. `undeleted` numbers what fal has not deleted, for the whole process."""

    job: Job
    transcriber: Transcriber
    unshown: Unshown | None
    undeleted: Iterator[int]

    def accepted(self, request: PaidRequest) -> None:
        """Notes a request of which fal stores nothing; once its id is safe in S3."""
        if not self.job.handling.store_io:
            self._note(request.request_id)

    def delete(self, request_id: str) -> None:
        """Has fal delete its copies; what prevents it is a line in the log."""
        self._note(request_id)  # before: a row without input that nobody knows of would hide a lost request
        try:
            self.transcriber.delete_payloads(request_id)
        except Cancelled:
            raise
        except Exception as error:  # noqa: BLE001  whatever it is, the transcript is safe and the job is done
            reason = getattr(error, "reason", type(error).__name__)
            logs.get_logger().warning(
                "payloads_not_deleted", reason=reason, message=str(error), so_far=next(self.undeleted)
            )

    def unshown_ids(self, insist: Callable[[Callable[[], frozenset[str]]], frozenset[str]]) -> frozenset[str]:
        """Requests of other jobs that the history shows without their input. `insist` repeats while Redis is away."""
        return insist(self.unshown.ids) if self.unshown is not None else frozenset()

    def _note(self, request_id: str) -> None:
        if self.unshown is not None:
            with suppress(NightscribeError):  # a lost reply of another job may then stay uncertain
                self.unshown.note(request_id)
