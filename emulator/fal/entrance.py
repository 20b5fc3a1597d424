"""Where every call that needs a key comes in: it is counted, and known by its account or turned away."""

from starlette.requests import Request

from emulator.fal.access import Access
from emulator.fal.ledger import Ledger


class Entrance:
    """The key comes first, as everywhere at fal."""

    def __init__(self, access: Access, ledger: Ledger) -> None:
        self._access = access
        self._ledger = ledger

    def owner(self, http: Request, stage: str) -> str | None:
        """The account behind a call, counted under `stage`; None for a wrong key: the caller is to answer 401."""
        self._ledger.call(stage)
        owner = self._access.owner(http.headers.get("authorization"))
        if owner is None:
            self._ledger.refuse(stage, 401)
        return owner
