"""The fields of Stripe's objects that we read (API 2026-10-28.endive); all others are ignored."""

from pydantic import BaseModel, ConfigDict, Field


class Wire(BaseModel):
    """Strict about the types that are there, so that garbage is noticed and not coerced."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class WireCardDetails(Wire):
    capture_before: int | None = None


class WireMethodDetails(Wire):
    card: WireCardDetails | None = None


class WireChargeOutcome(Wire):
    type: str | None = None


class WireCharge(Wire):
    id: str
    amount_refunded: int = 0
    outcome: WireChargeOutcome | None = None
    payment_method_details: WireMethodDetails | None = None


class WirePaymentError(Wire):
    type: str | None = None
    code: str | None = None
    decline_code: str | None = None
    advice_code: str | None = None


class WireRedirect(Wire):
    url: str | None = None


class WireNextAction(Wire):
    redirect_to_url: WireRedirect | None = None


class WireIntent(Wire):
    id: str
    status: str
    amount: int
    currency: str
    amount_capturable: int = 0
    amount_received: int = 0
    metadata: dict[str, str] = Field(default_factory=dict)
    latest_charge: WireCharge | str | None = None
    next_action: WireNextAction | None = None
    last_payment_error: WirePaymentError | None = None


class WireRefund(Wire):
    id: str
    amount: int
    currency: str
    status: str | None
    metadata: dict[str, str] | None = None


class WireCard(Wire):
    brand: str
    last4: str
    exp_month: int
    exp_year: int
    fingerprint: str | None = None


class WirePaymentMethod(Wire):
    id: str
    customer: str | None = None
    card: WireCard | None = None


class WireSetupIntent(Wire):
    id: str
    status: str
    payment_method: WirePaymentMethod | str | None = None


class WireSession(Wire):
    id: str
    url: str | None = None
    status: str | None
    setup_intent: WireSetupIntent | str | None = None


class WireCustomer(Wire):
    id: str


class WireIntentPage(Wire):
    data: tuple[WireIntent, ...] = Field(strict=False)
    has_more: bool


class WireRefundPage(Wire):
    data: tuple[WireRefund, ...] = Field(strict=False)
    has_more: bool


class WireEvidenceDetails(Wire):
    due_by: int | None = None


class WireBalanceRow(Wire):
    amount: int


class WireDispute(Wire):
    id: str
    amount: int
    currency: str
    status: str
    reason: str
    created: int
    payment_intent: str | None = None
    evidence_details: WireEvidenceDetails | None = None
    balance_transactions: tuple[WireBalanceRow, ...] = Field(default=(), strict=False)


class WireDisputePage(Wire):
    data: tuple[WireDispute, ...] = Field(strict=False)
    has_more: bool
