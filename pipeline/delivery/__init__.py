"""How fal gets at the audio: a presigned URL, an upload to fal's storage, or a public address.

No stage of its own: the transcribe stage hands over one recording per job, `nightscribe transcribe` one without a job,
and a run asks before its first job whether the chosen way can work at all.
"""

from pipeline.delivery.checking import check_delivery
from pipeline.delivery.handing import AudioUrl, address, presigned, uploaded

__all__ = ["AudioUrl", "address", "check_delivery", "presigned", "uploaded"]
