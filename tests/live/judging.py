"""How each answer is judged: what was found, in words, and whether it is what the code takes for true."""

from __future__ import annotations

from itertools import chain

from live.asking import NEMOTRON, WHISPER, WIZPER, XAI, Observed, row_of
from live.clip import CLIP_S
from live.recording import Exchange

from pipeline.speech.fal.models import KNOWN_MODELS, model_for
from pipeline.speech.fal.prices import audio_s_per_unit

Judged = tuple[str, bool | None]

_HTTP_OK, _ACCEPTED, _LAST_OK, _BAD = 200, 202, 299, 400
_STATES = {"IN_QUEUE", "IN_PROGRESS", "COMPLETED"}
_PLACEHOLDERS = {WHISPER, WIZPER}


def key_check(seen: Observed) -> Judged:
    right, wrong = seen.first("key"), seen.first("wrong key")
    codes = tuple(answer.status if answer else None for answer in (right, wrong))
    return f"{codes[0]} and {codes[1]}", codes == (404, 401)


def price_list(seen: Observed) -> Judged:
    prices = _prices(seen)
    fields = {"endpoint_id", "unit", "unit_price"}
    return f"{_code(seen.first('prices'))}, {len(prices)} prices", bool(prices) and all(
        fields <= set(p) for p in prices
    )


def price_units(seen: Observed) -> Judged:
    prices = _prices(seen)
    if not prices:
        return _nothing(seen, "prices")
    said = ", ".join(f"{p['endpoint_id']} {p['unit_price']:g}/{p['unit']}" for p in prices)
    audio = {p["endpoint_id"] for p in prices if audio_s_per_unit(str(p["unit"])) and p["unit_price"]}
    return said, audio == set(KNOWN_MODELS) - _PLACEHOLDERS


def webhook_keys(seen: Observed) -> Judged:
    if "jwks" in seen.broken:
        return seen.broken["jwks"], False
    return f"{seen.facts.get('webhook keys')} keys", bool(seen.facts.get("webhook keys"))


def upload(seen: Observed) -> Judged:
    if "upload" in seen.broken:
        return seen.broken["upload"], False
    return f"uploaded; opened with {seen.facts.get('upload opens')}", seen.facts.get("upload opens") == _HTTP_OK


def submit_code(seen: Observed) -> Judged:
    answer = seen.first("plain: submit")
    if answer is None:
        return _nothing(seen, "plain: submit")
    missing = [name for name in ("request_id", "status_url", "response_url", "cancel_url") if not answer.field(name)]
    said = f"without {', '.join(missing)}" if missing else "with all of them"
    return f"{answer.status} {said}", _HTTP_OK <= answer.status <= _LAST_OK and not missing


def early_result(seen: Observed) -> Judged:
    answer = seen.first("early result")
    if answer is None:
        return _nothing(seen, "early result")
    if answer.status == _HTTP_OK:
        return "200: it was done already", None
    return f"{answer.status} {answer.field('detail')!r}", answer.status == _BAD


def states(seen: Observed) -> Judged:
    looks = list(chain.from_iterable(answers for label, answers in seen.kept.items() if label.endswith(": status")))
    pairs = sorted({(str(look.field("status")), look.status) for look in looks})
    if not pairs:
        return "nothing", None
    return ", ".join(f"{state} {code}" for state, code in pairs), {state for state, _ in pairs} <= _STATES


def result_again(seen: Observed) -> Judged:
    once, again = seen.first("plain: result"), seen.first("result again")
    if once is None or again is None:
        return _nothing(seen, "result again")
    is_same = again.body == once.body
    return (
        f"{again.status}, {'the same' if is_same else 'another'}",
        again.status == once.status == _HTTP_OK and is_same,
    )


def billable_units(seen: Observed) -> Judged:
    units = {"plain": WHISPER, "wizper words": WIZPER, "xai": XAI, "nemotron": NEMOTRON}
    found, fits = [], []
    listed = {p["endpoint_id"]: p for p in _prices(seen)}
    for label, endpoint_id in units.items():
        told, price = seen.units.get(label), listed.get(endpoint_id)
        found.append(
            f"{endpoint_id} {'none' if told is None else f'{told:g}'}" + (f" {price['unit']}" if price else "")
        )
        audio_s = audio_s_per_unit(str(price["unit"])) if price else None
        if told is not None and audio_s is not None:
            fits.append(told * audio_s >= CLIP_S * 0.5 and told <= max(CLIP_S / audio_s * 2, 1.0))
    return ", ".join(found), all(fits) if fits else None


def no_diarization(seen: Observed) -> Judged:
    answer = seen.first("plain: result")
    if answer is None or not isinstance(answer.body, dict):
        return _nothing(seen, "plain: result")
    value = answer.body.get("diarization_segments", "absent")
    return (
        "absent" if value == "absent" else "null" if value is None else f"{len(value)} of them",
        not value or value == "absent",
    )


def unknown_argument(seen: Observed) -> Judged:
    answer = seen.first("unknown argument: result")
    return (
        _nothing(seen, "unknown argument: result")
        if answer is None
        else (f"{answer.status}", answer.status == _HTTP_OK)
    )


def wizper_words(seen: Observed) -> Judged:
    answer = seen.first("wizper words: result")
    if answer is None:
        return _nothing(seen, "wizper words: result")
    chunks = answer.field("chunks")
    said = f"{len(chunks)} chunks" if isinstance(chunks, list) else "no chunks"
    return f"{answer.status}, {said}", None


def failure_replay(seen: Observed) -> Judged:
    status, result = seen.last("junk: status"), seen.first("junk: result")
    if status is None or result is None:
        return _nothing(seen, "junk: result")
    detail = result.field("detail")
    kind = detail[0].get("type") if isinstance(detail, list) and detail and isinstance(detail[0], dict) else None
    said = f"{status.field('status')} error_type {status.field('error_type')}; {result.status} {kind or 'no type'}"
    is_replayed = _BAD <= result.status < 500 and detail is not None
    return said, bool(status.field("error")) and is_replayed


def failure_bill(seen: Observed) -> Judged:
    found = {label: seen.first(f"{label}: result") for label in ("junk", "missing")}
    if None in found.values():
        return _nothing(seen, "missing: result")
    units = {label: answer.units for label, answer in found.items() if answer}
    said = ", ".join(
        f"{label} {found[label].status} {'no units' if u is None else f'{u:g}'}" for label, u in units.items()
    )  # type: ignore[union-attr]
    return said, all(not u for u in units.values())


def cancel_code(seen: Observed) -> Judged:
    answer = seen.first("cancelled: cancel")
    if answer is None:
        return _nothing(seen, "cancelled: cancel")
    return f"{answer.status} {answer.field('status')}", answer.status in {_HTTP_OK, _ACCEPTED, _BAD}


def cancelled_result(seen: Observed) -> Judged:
    status, result = seen.last("cancelled: status"), seen.first("cancelled: result")
    if status is None or result is None:
        return _nothing(seen, "cancelled: result")
    units = "no units" if result.units is None else f"{result.units:g} units"
    is_expected = status.field("status") == "COMPLETED" and (result.status == _HTTP_OK or not result.units)
    return f"{status.field('status')} error_type {status.field('error_type')}; {result.status}, {units}", is_expected


def history_key(seen: Observed) -> Judged:
    answer = seen.first("early history")
    return _nothing(seen, "early history") if answer is None else (f"{answer.status}", answer.status == _HTTP_OK)


def history_waiting(seen: Observed) -> Judged:
    answer = seen.first("early history")
    if answer is None or answer.status != _HTTP_OK:
        return _nothing(seen, "early history")
    row = row_of(answer)
    return ("shown, with input" if row.get("json_input") else "shown, without input") if row else "not shown", None


def history_url(seen: Observed) -> Judged:
    label = "plain: history"
    row = row_of(seen.last(label))
    if row is None:
        return f"not shown within {seen.facts.get(f'{label} after')} s of asking", False
    sent = row.get("json_input")
    shown = sent.get("audio_url") if isinstance(sent, dict) else None
    how = "exactly" if shown == seen.facts.get("url") else "changed" if shown else "without its input"
    return f"{how}, after {seen.facts.get(f'{label} after')} s", how == "exactly"


def history_failure(seen: Observed) -> Judged:
    row = row_of(seen.last("junk: history"))
    if row is None:
        return "not shown", False
    code, output = row.get("status_code"), row.get("json_output")
    form = ", ".join(sorted(output)) if isinstance(output, dict) else type(output).__name__
    return f"{code}, json_output: {form}", isinstance(code, int) and code >= _BAD


def not_stored(seen: Observed) -> Judged:
    answer = seen.last("not stored: history")
    if answer is None:
        return _nothing(seen, "not stored: history")
    row = row_of(answer)
    if row is None:
        return "no row", True
    return ("a row with input", False) if row.get("json_input") else ("a row without input", True)


def deletion(seen: Observed) -> Judged:
    once, again = seen.first("deletion"), seen.first("deletion again")
    if once is None or again is None:
        return _nothing(seen, "deletion")
    row = row_of(seen.last("history after the deletion"))
    after = "no row" if row is None else "input is still shown" if row.get("json_input") else "no input"
    is_done = once.status < _BAD and (again.status < _BAD or again.status == 404)
    return f"{once.status}, {again.status}; {after}", is_done and after != "input is still shown"


def xai_fields(seen: Observed) -> Judged:
    return _fields(seen, "xai", XAI)


def nemotron_fields(seen: Observed) -> Judged:
    return _fields(seen, "nemotron", NEMOTRON)


def fallback(seen: Observed) -> Judged:
    return _header(seen, "x-fal-served-from")


def retry_after(seen: Observed) -> Judged:
    said, _ = _header(seen, "retry-after")
    return said, None


def _fields(seen: Observed, label: str, endpoint_id: str) -> Judged:
    """The code reads the answer when there is a text in it."""
    answer = seen.first(f"{label}: result")
    if answer is None:
        return _nothing(seen, f"{label}: result")
    names = ", ".join(sorted(answer.body)) if isinstance(answer.body, dict) else type(answer.body).__name__
    transcript = model_for(endpoint_id).transcript(answer.body, {})
    return f"{answer.status} {names}", answer.status == _HTTP_OK and transcript.has_speech


def _header(seen: Observed, name: str) -> Judged:
    values = {answer.headers[name] for answer in chain.from_iterable(seen.kept.values()) if name in answer.headers}
    return ", ".join(sorted(values)) or "absent", not values or None


def listed_prices(seen: Observed) -> dict[str, float]:
    """USD per unit, of each endpoint that the price list tells."""
    return {str(p["endpoint_id"]): float(str(p["unit_price"])) for p in _prices(seen)}


def _prices(seen: Observed) -> list[dict[str, object]]:
    answer = seen.first("prices")
    prices = answer.field("prices") if answer else None
    return [price for price in prices if isinstance(price, dict)] if isinstance(prices, list) else []


def _code(answer: Exchange | None) -> str:
    return str(answer.status) if answer else "no answer"


def _nothing(seen: Observed, label: str) -> Judged:
    why = seen.broken.get(label) or next((seen.broken[name] for name in seen.broken), "nothing was seen")
    return f"not found out: {why}", None
