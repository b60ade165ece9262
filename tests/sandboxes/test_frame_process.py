"""The process: what it keeps when it dies, and how it ends."""

import threading
from pathlib import Path

import httpx

from sandboxes.harness import Sandbox

HEADERS = {"Authorization": "Bearer duffel_test_abc", "Duffel-Version": "v2"}


def test_state_and_faults_survive_being_killed(tmp_path: Path):
    sandbox = Sandbox(tmp_path)
    sandbox.start()
    sandbox.control("POST", "/duffel/balance", {"currency": "USD", "amount": "12.34"})
    sandbox.fault("duffel", "list_orders", "error_before", status=500)
    sandbox.stop(kill=True)
    sandbox.start()
    assert sandbox.ledger()["duffel"]["balance"] == {"USD": "12.34"}
    answer = httpx.get(f"{sandbox.duffel_url}/air/orders", headers=HEADERS)
    assert answer.status_code == 500
    sandbox.close()


def test_stops_cleanly_even_while_a_call_hangs(tmp_path: Path):
    sandbox = Sandbox(tmp_path)
    sandbox.start()
    sandbox.fault("duffel", "list_orders", "timeout_before", seconds=600)
    ended: list[str] = []

    def hang() -> None:
        try:
            httpx.get(f"{sandbox.duffel_url}/air/orders", headers=HEADERS, timeout=60)
        except httpx.TransportError as error:
            ended.append(type(error).__name__)

    caller = threading.Thread(target=hang)
    caller.start()
    while not sandbox.control("GET", "/requests/count"):
        pass
    assert sandbox.stop() == 0
    caller.join(timeout=30)
    assert len(ended) == 1
    sandbox.close()


def test_limits_searches_in_a_minute_of_wall_time(tmp_path: Path):
    with Sandbox(tmp_path, flags=("--search-rate", "2")) as sandbox:
        slices = [{"origin": "JFK", "destination": "LHR", "departure_date": "2027-03-03"}]
        body = {"data": {"slices": slices, "passengers": [{"type": "adult"}]}}
        answers = [
            httpx.post(f"{sandbox.duffel_url}/air/offer_requests", headers=HEADERS, json=body)
            for _ in range(6)
        ]
        # The minute may turn once meanwhile, so at least two of six are too many.
        refused = [answer for answer in answers if answer.status_code == 429]
        assert 2 <= len(refused) <= 4
        assert refused[0].json()["errors"][0]["code"] == "rate_limit_exceeded"
        assert refused[0].headers["ratelimit-limit"] == "2"
        # Other calls have a limit of their own.
        answer = httpx.get(f"{sandbox.duffel_url}/air/orders", headers=HEADERS)
        assert answer.status_code == 200
