"""What is checked of S3: the rights that a run needs, used as a run uses them, on nobody's file but a probe of ours."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

from pipeline import keys, pricing
from pipeline.delivery import check_delivery
from pipeline.doctor import clock
from pipeline.doctor.checkup import Once, Seen, failed, not_checked, ok, warning
from pipeline.doctor.opening import Opened
from pipeline.errors import ServiceUnavailableError
from pipeline.models import Handling, Place
from pipeline.settings import Settings
from pipeline.storage.base import CredentialTerm, Listed, Storage
from pipeline.storage.conditions import check_conditional_writes

_PAGES = 3  # enough to meet an object, and disorder where there is one
_URL_LIFETIME_S = 60
_CODE = re.compile(rb"<Code>([A-Za-z]+)</Code>")
_REDIRECTS, _ERRORS = 300, 400  # HTTP's first status of each


def credentials(term: Callable[[], CredentialTerm], now: Callable[[], datetime]) -> Seen:
    """Where AWS's credentials come from and when they end; never what they are. Raises what `Storage` raises."""
    found = term()
    if not found.source:
        return failed(
            "There are no AWS credentials.",
            "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give this machine a role or a profile (AWS_PROFILE).",
        )
    saw = f"They come from {found.source}"
    if found.ends_at is None:
        return ok(f"{saw}{'; they are temporary, and do not tell their end' if found.is_temporary else ''}.")
    left_s = (found.ends_at - now()).total_seconds()
    saw = f"{saw}, and end at {found.ends_at:%Y-%m-%d %H:%M:%SZ}"
    if left_s <= 0:
        return failed(f"{saw}: they have expired.", "Renew them.")
    if found.renews:
        return ok(f"{saw}; they are renewed by themselves.")
    return ok(f"{saw}.")


@dataclass
class Store:
    """The checks of one archive, to be made in the order of these methods. Each raises what `Storage` raises.

    `open_url` opens a URL as somebody without credentials.
    """

    storage: Storage
    archive: Place
    output: Place
    settings: Settings
    open_url: Callable[[str], Opened]
    now: Callable[[], datetime]
    _object: Listed | None = None
    _region: str = ""
    _opened: Once[Opened] = field(init=False)

    def __post_init__(self) -> None:
        self._opened = Once(self._open)

    def lists(self) -> Seen:
        """The bucket is there, may be listed, and lists in order."""
        bucket, prefix = self.archive.bucket, self.archive.prefix
        count, last, disorder = 0, "", ""
        page = self.storage.page(bucket, prefix)
        for number in range(1, _PAGES + 1):
            for listed in page.listed():
                if not disorder and count and listed.key < last:
                    disorder = f"{last!r} before {listed.key!r}"
                last, count = listed.key, count + 1
                self._prefer(listed)
            if page.next_token is None or number == _PAGES:
                break
            page = self.storage.page(bucket, prefix, token=page.next_token)
        at_least = "at least " if page.next_token is not None else ""
        saw = (
            f"{self.archive.uri} at {self.storage.server} can be listed: {at_least}{count} object{'s' * (count != 1)}."
        )
        if disorder and self.settings.s3.lists_in_order:
            return failed(
                f"{saw} But not in the order of their bytes: it shows {disorder}.",
                "Set NIGHTSCRIBE_S3_LISTS_IN_ORDER=false: listings are then sorted on this machine's disk.",
            )
        if not count:
            return warning(saw, "Check the prefix, unless the archive is to be filled yet.")
        return ok(saw)

    def _prefer(self, listed: Listed) -> None:
        """Keeps the first object that can be read, rather a recording."""
        if not listed.size_bytes or keys.is_ours(listed.key):
            return
        if self._object is None or (self._is_audio(listed) and not self._is_audio(self._object)):
            self._object = listed

    def _is_audio(self, listed: Listed) -> bool:
        return pricing.extension_of(listed.key) in self.settings.audio.extensions

    def reads(self) -> Seen:
        """A part of one real object can be read."""
        if self._object is None:
            return not_checked("There is no object that could be read.")
        found, bucket = self._object, self.archive.bucket
        part = self.storage.read_range(bucket, found.key, 0, 1, if_match=found.etag)
        if len(part.body) != 1:
            return failed(
                f"The first byte of s3://{bucket}/{found.key} came as {len(part.body)} bytes.",
                "The store, or a proxy before it, does not keep ranges: use another.",
            )
        return ok(f"The first byte of s3://{bucket}/{found.key} can be read.")

    def writes(self) -> Seen:
        """Creates, refuses twice, replaces and deletes a probe, as intents and sidecars are written."""
        bucket = self.output.bucket
        probe = keys.probe_key(self.output, f"doctor-{uuid4().hex}")
        may_ignore = self.settings.s3.exclusivity_by_redis_alone
        self.storage.page(bucket, probe)  # some stores make a bucket that is not there, at the first write
        told = check_conditional_writes(self.storage, bucket, probe, exclusivity_by_redis_alone=may_ignore)
        if self.storage.head(bucket, probe) is not None:
            return failed(
                f"s3://{bucket}/{probe} is still there after it was deleted.",
                "Delete it. A cache before the store would show what is no more: do without it.",
            )
        if told:
            return warning(told, "Use a store that keeps the conditions of writes; AWS S3 does.")
        return ok(
            f"s3://{bucket}/{self.output.prefix}{keys.STATE_FOLDER} can be written and deleted in; a second create and "
            "a wrong If-Match are refused."
        )

    def delivers(self) -> Seen:
        """Whether fal can get at the audio in the way that is set."""
        audio, fal = self.settings.audio, self.settings.fal
        handling = Handling(
            delivery=audio.delivery, wait=fal.wait, store_io=fal.store_io, delete_payloads=fal.delete_payloads
        )
        told = check_delivery(handling, self.storage, self.settings, self.now())
        if told:
            return warning(told.removeprefix("WARNING: "), "")
        where = {
            "presigned": f"fal is handed presigned URLs at {self.storage.server}. Nothing seen speaks against it.",
            "upload": "The audio is uploaded to fal's own storage.",
            "public": f"fal reads the audio at {audio.public_url}.",
        }
        return ok(where[audio.delivery])

    def presigns(self) -> Seen:
        """A presigned URL opens without credentials, from here."""
        if self._object is None:
            return not_checked("There is no object that could be opened.")
        if (delivery := self.settings.audio.delivery) != "presigned":
            return not_checked(f"audio.delivery is {delivery}: none is handed out.")
        answer = self._opened()
        if _REDIRECTS <= answer.status < _ERRORS:
            return warning(
                f"A presigned URL of s3://{self.archive.bucket}/{self._object.key} (signed for {self._region}) leads "
                f"elsewhere (HTTP {answer.status}). Whether fal goes there is not known.",
                "Set AWS_REGION to the bucket's, and AWS_ENDPOINT_URL to the address that serves it.",
            )
        if answer.status < _REDIRECTS:
            return ok(
                f"A presigned URL of s3://{self.archive.bucket}/{self._object.key} (signed for {self._region}) opens "
                "without credentials, from this machine."
            )
        code = found[1].decode() if (found := _CODE.search(answer.start)) else "no reason"
        return failed(
            f"A presigned URL of s3://{self.archive.bucket}/{self._object.key} (signed for {self._region}) is answered "
            f"HTTP {answer.status}, {code}.",
            "fal would be refused as well. Check s3:GetObject (and kms:Decrypt), policies that name a network or a VPC "
            "endpoint, AWS_REGION, and this machine's clock.",
        )

    def clock(self) -> Seen:
        """This machine's clock against the store's, from the answer to a presigned URL, whatever it was."""
        try:
            answer = self._opened()
        except ServiceUnavailableError as error:
            return not_checked(error.message)
        if answer.date is None:
            return not_checked(f"{self.storage.server} does not tell its time.")
        return clock.judged(answer.our_time, answer.date, self.storage.server, refuses=True)

    def _open(self) -> Opened:
        key = (
            self._object.key if self._object else keys.probe_key(self.output, "doctor")
        )  # an error tells the time, too
        url = self.storage.presign(self.archive.bucket, key, version_id=None, expires_s=_URL_LIFETIME_S)
        scope = parse_qs(urlsplit(url).query).get("X-Amz-Credential", [""])[0].split("/")
        self._region = scope[-3] if len(scope) >= 3 else "no region"  # noqa: PLR2004  KEY/DATE/REGION/s3/aws4_request
        return self.open_url(url)
