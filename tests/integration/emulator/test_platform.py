"""The emulated Platform API beside the history: prices, estimates, bills, deletion (docs/fal.md section 11)."""

import pytest

from emulator.fal.models import ENDPOINTS

pytestmark = pytest.mark.integration

XAI = "xai/speech-to-text/v1"


def prices(fal, query):
    answer = fal.http.get(f"/v1/models/pricing?{query}")
    assert answer.status_code == 200, answer.text
    return {price["endpoint_id"]: price for price in answer.json()["prices"]}


def test_prices_are_asked_for_by_name_repeated_or_with_commas(fal):
    repeated = prices(fal, "&".join(f"endpoint_id={name}" for name in ENDPOINTS))

    assert repeated == prices(fal, f"endpoint_id={','.join(ENDPOINTS)}")
    assert list(repeated) == list(ENDPOINTS)
    assert repeated[XAI] == {"endpoint_id": XAI, "unit_price": 0.001667, "unit": "minutes", "currency": "USD"}
    whisper = repeated["fal-ai/whisper"]
    assert (whisper["unit_price"], whisper["unit"]) == (0, "compute seconds")


@pytest.mark.parametrize(
    ("query", "status", "kind"),
    [
        ("", 400, "invalid_request_error"),
        ("endpoint_id=" + ",".join(f"a/{number}" for number in range(51)), 400, "invalid_request_error"),
        ("endpoint_id=fal-ai/whisper,fal-ai/no-such-model", 404, "not_found"),
    ],
)
def test_a_price_list_that_cannot_be_made_is_an_error(fal, query, status, kind):
    answer = fal.http.get(f"/v1/models/pricing?{query}")

    assert (answer.status_code, answer.json()["error"]["type"]) == (status, kind)


@pytest.mark.parametrize("path", ["/v1/models/pricing?endpoint_id=fal-ai/whisper", "/v1/models/billing-events"])
def test_without_a_key_nothing_is_told(fal, path):
    answer = fal.http.get(path, headers={"authorization": "Key wrong"})

    assert (answer.status_code, answer.json()["error"]["type"]) == (401, "authentication_error")


def test_an_estimate_is_of_units_or_of_calls_so_far(fal, tone):
    fal.transcribe(tone, XAI)

    def estimate(kind, quantity):
        body = {"estimate_type": kind, "endpoints": {XAI: quantity}}
        return fal.http.post("/v1/models/pricing/estimate", json=body)

    assert estimate("unit_price", {"unit_quantity": 100}).json() == {
        "estimate_type": "unit_price",
        "total_cost": pytest.approx(0.1667),
        "currency": "USD",
    }
    assert estimate("historical_api_price", {"call_quantity": 3}).json()["total_cost"] == pytest.approx(3 * 0.001667)
    assert estimate("unit_price", {"call_quantity": 3}).status_code == 400


def test_a_bill_is_told_to_its_own_account_only(fal, tone, other_key):
    request = fal.submit(tone, XAI)
    fal.wait(request)
    query = f"/v1/models/billing-events?request_id={request['request_id']}"

    (event,) = fal.http.get(query).json()["billing_events"]
    assert (event["output_units"], event["unit_price"], event["cost_total"]) == (1.0, 0.001667, 0.001667)
    assert event["cost_estimate_nano_usd"] == 1_667_000
    assert fal.http.get(query, headers=other_key).json()["billing_events"] == []
    assert fal.http.get("/v1/models/billing-events?request_id=other").json()["billing_events"] == []


def history_row(fal):
    query = "endpoint_id=fal-ai/whisper&expand=payloads"
    (row,) = fal.http.get(f"/v1/models/requests/by-endpoint?{query}").json()["items"]
    return row


def test_deleted_payloads_are_gone_from_history_and_result(fal, tone, other_key):
    request = fal.submit(tone)
    fal.wait(request)
    url = f"/v1/models/requests/{request['request_id']}/payloads"
    assert "json_input" in history_row(fal)

    strange = fal.http.delete(url, headers=other_key)
    assert "json_output" in history_row(fal)
    answer, again = fal.http.delete(url), fal.http.delete(url)

    assert strange.status_code == 404
    assert (answer.status_code, answer.json()) == (again.status_code, again.json()) == (200, {"cdn_delete_results": []})
    row = history_row(fal)
    assert (row["status_code"], "json_input" in row, "json_output" in row) == (200, False, False)
    assert fal.http.get(request["response_url"]).status_code == 404
    assert fal.ledger()["accepted"][0]["payloads_deleted"]


def test_deletion_and_prices_fail_when_they_are_told_to(fal, tone):
    fal.faults({"on": "delete", "do": {"status": 403}}, {"on": "pricing", "do": {"status": 429}})
    request = fal.submit(tone)

    assert fal.http.delete(f"/v1/models/requests/{request['request_id']}/payloads").status_code == 403
    assert fal.http.get("/v1/models/pricing?endpoint_id=fal-ai/whisper").status_code == 429
    assert not fal.ledger()["accepted"][0]["payloads_deleted"]


def test_webhooks_come_from_this_machine(fal):
    assert "127.0.0.0/8" in fal.http.get("/v1/meta").json()["webhook_ip_ranges"]
