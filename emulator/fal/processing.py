"""What a runner does with one request: faults, arguments, download, listening, answer. Knows nothing of HTTP."""

import asyncio
import logging
from pathlib import Path

from emulator.fal import outcomes
from emulator.fal.downloads import DownloadError, Downloads
from emulator.fal.engines.base import Engine, UndecodableError
from emulator.fal.faults import FaultScript, Misdeed
from emulator.fal.models import InvalidArgumentsError, read_arguments
from emulator.fal.queue import BackToQueueError
from emulator.fal.request import FalRequest, Outcome, audio_path_of

log = logging.getLogger(__name__)


class Processing:
    """Turns a request into its outcome. Raises nothing but BackToQueueError."""

    def __init__(self, engine: Engine, downloads: Downloads | None, faults: FaultScript) -> None:
        self._engine = engine
        self._downloads = downloads
        self._faults = faults

    def use(self, engine: Engine) -> None:
        """Takes another engine for all requests that start from now on."""
        self._engine = engine

    async def __call__(self, request: FalRequest) -> Outcome:
        """Processes one request; a failure is an outcome too."""
        try:
            return await self._process(request)
        except InvalidArgumentsError as error:
            return outcomes.model_error(error.errors)
        except DownloadError:
            return outcomes.file_download_error(request.audio_url)
        except UndecodableError:
            return outcomes.unsupported_audio_format(request.audio_url)
        except BackToQueueError:
            raise
        except Exception:
            log.exception("processing request %s failed", request.request_id)
            return outcomes.request_error("runner_server_error", "Internal Server Error", 500)

    async def _process(self, request: FalRequest) -> Outcome:
        path = audio_path_of(request.audio_url)
        fault = self._faults.draw("process", endpoint_id=request.endpoint_id, audio_path=path)
        await _wait(fault)
        if fault is not None and fault.regress_s is not None:
            await asyncio.sleep(fault.regress_s)
            raise BackToQueueError(fault.regress_s)
        if fault is not None and fault.fail is not None:
            return fault.fail.outcome()
        arguments = read_arguments(request.endpoint_id, request.arguments)
        fault_in_download = self._faults.draw("download", endpoint_id=request.endpoint_id, audio_path=path)
        await _wait(fault_in_download)
        if fault_in_download is not None and fault_in_download.fail is not None:
            return fault_in_download.fail.outcome()
        if fault_in_download is not None and fault_in_download.drop:
            raise DownloadError("told to fail")
        file = None
        try:
            if self._downloads is not None:
                file = await self._downloads.fetch(arguments.audio_url, request.request_id)
            speech = await self._engine.listen(path, file, words=arguments.wants_words)
        finally:
            _delete(file)
        output = arguments.answer(speech)
        if fault is not None and fault.garble:
            output = arguments.garbled(output)
        return outcomes.success(output, arguments.units(speech.duration_s))


async def _wait(fault: Misdeed | None) -> None:
    if fault is not None:
        await asyncio.sleep(fault.hold_s + fault.delay_s)


def _delete(file: Path | None) -> None:
    if file is not None:
        file.unlink(missing_ok=True)
