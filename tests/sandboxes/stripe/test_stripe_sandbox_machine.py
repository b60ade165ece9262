"""Any order of calls: statuses follow Stripe's machine and no money appears or vanishes."""

from typing import Any

import httpx
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")
CARDS = ("pm_card_visa", "pm_card_chargeDeclined", "pm_card_authenticationRequired")


class Machine(RuleBasedStateMachine):
    """One intent at a time, and a model of what its money must be."""

    def __init__(self, http: httpx.Client, contract: Any) -> None:
        super().__init__()
        self.http, self.contract = http, contract
        http.post("/_control/reset", headers={"X-Sandbox-Control": "control"})
        self.id = ""
        self.expected = 0
        self.status = ""
        self.start(500, "manual")

    def send(self, path: str, **fields: Any) -> tuple[int, Any]:
        data = {k: str(v).lower() if isinstance(v, bool) else str(v) for k, v in fields.items()}
        response = self.http.post(f"/stripe/v1/{path}", data=data)
        body = response.json()
        self.contract.check(body)
        return response.status_code, body

    def act(self, verb: str, **fields: Any) -> tuple[int, Any]:
        return self.send(f"payment_intents/{self.id}/{verb}", **fields)

    @rule(amount=st.integers(50, 5000), how=st.sampled_from(["manual", "automatic_async"]))
    def start(self, amount: int, how: str) -> None:
        status, body = self.send(
            "payment_intents", amount=amount, currency="usd", capture_method=how
        )
        assert status == 200
        self.id, self.status, self.amount, self.how = body["id"], body["status"], amount, how

    @rule(card=st.sampled_from(CARDS), off_session=st.booleans())
    def confirm(self, card: str, off_session: bool) -> None:
        before = self.status
        status, body = self.act("confirm", payment_method=card, off_session=off_session)
        if before not in OPEN:
            assert status == 400
            return
        if card == "pm_card_visa":
            wanted = "requires_capture" if self.how == "manual" else "succeeded"
            self.expected += self.amount if wanted == "succeeded" else 0
            assert (status, body["status"]) == (200, wanted)
            self.status = wanted
        elif card == "pm_card_authenticationRequired" and not off_session:
            assert (status, body["status"]) == (200, "requires_action")
            self.status = "requires_action"
        else:
            assert status == 402
            self.status = "requires_payment_method"

    @rule(part=st.integers(1, 6000))
    def capture(self, part: int) -> None:
        status, body = self.act("capture", amount_to_capture=part)
        if self.status == "requires_capture" and part <= self.amount:
            assert (status, body["amount_received"]) == (200, part)
            self.expected += part
            self.status = "succeeded"
        else:
            assert status == 400

    @rule()
    def cancel(self) -> None:
        status, _ = self.act("cancel")
        assert status == (200 if self.status in (*OPEN, "requires_capture") else 400)
        if status == 200:
            self.status = "canceled"

    @rule(part=st.integers(1, 3000))
    def refund(self, part: int) -> None:
        status, _ = self.send("refunds", payment_intent=self.id, amount=part)
        assert status in {200, 400}
        if status == 200:
            assert self.status == "succeeded"
            self.expected -= part

    @invariant()
    def books_agree(self) -> None:
        books = self.http.get("/_control/ledger", headers={"X-Sandbox-Control": "control"}).json()
        assert books["stripe"]["balance"].get("usd", 0) == self.expected
        for intent in books["stripe"]["payment_intents"]:
            taken = sum(c["amount_captured"] for c in intent["charges"])
            assert taken == intent["amount_received"] <= intent["amount"]
            held = intent["amount_capturable"]
            assert held == (intent["amount"] if intent["status"] == "requires_capture" else 0)
            for charge in intent["charges"]:
                assert 0 <= charge["amount_refunded"] <= charge["amount_captured"]
        mine = next(i for i in books["stripe"]["payment_intents"] if i["id"] == self.id)
        assert mine["status"] == self.status


def test_any_order_of_calls_keeps_the_machine_and_the_money(
    sandbox_url: str, contract: Any
) -> None:
    headers = {"Authorization": "Bearer sk_test_1"}
    with httpx.Client(base_url=sandbox_url, headers=headers, timeout=20) as http:
        run_state_machine_as_test(
            lambda: Machine(http, contract),
            settings=settings(
                max_examples=8, stateful_step_count=12, deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )  # fmt: skip
