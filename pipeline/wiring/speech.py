"""fal's models, for those that call them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import closing

from pydantic import SecretStr

from pipeline import SOFTWARE
from pipeline.errors import ConfigurationError
from pipeline.meters import Meters
from pipeline.models import ListedPrice
from pipeline.settings import Settings, fal_key
from pipeline.speech.fal.transcriber import FalTranscriber
from pipeline.wiring.prices import open_price_book


def open_transcriber(
    settings: Settings, environment: Mapping[str, str], meters: Meters | None = None
) -> FalTranscriber:
    """fal's models. Raises `ConfigurationError` when there is no key, or for one that cannot be one."""
    return FalTranscriber(settings.fal, settings.polling, _required_key(environment), SOFTWARE, meters=meters)


def refresh_prices(
    endpoint_ids: Iterable[str], settings: Settings, environment: Mapping[str, str]
) -> Mapping[str, ListedPrice]:
    """Asks fal for the prices of these endpoints and keeps them. What is missing in the answer is not listed by fal."""
    book = open_price_book(settings, environment)
    book.read()  # a file that cannot be read says so before anybody is asked
    with closing(open_transcriber(settings, environment)) as transcriber:
        told = transcriber.prices(list(endpoint_ids))
    book.write(told)
    return {price.endpoint_id: price for price in told}


def _required_key(environment: Mapping[str, str]) -> SecretStr:
    key = fal_key(environment)
    if key is None:
        raise ConfigurationError(
            "There is no fal key: FAL_KEY is not set. Get one at fal.ai/dashboard/keys and export FAL_KEY, or try "
            "everything without an account: make demo.",
            "no_fal_key",
        )
    return key
