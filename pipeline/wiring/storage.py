"""S3."""

from __future__ import annotations

from pipeline.settings import Settings
from pipeline.storage.s3 import S3Storage


def open_storage(settings: Settings) -> S3Storage:
    """S3, as AWS's variables say."""
    return S3Storage(settings.s3)
