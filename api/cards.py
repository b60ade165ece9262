"""Saving a card: a visit to the provider's hosted page, begun and completed."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.errors import conflict
from api.services import Services
from db.models.payment_customer import PaymentCustomerRow
from db.models.payment_method import PaymentMethodRow
from db.models.payment_setup import PaymentSetupRow
from db.queries.payment_methods import (
    add_payment_method,
    add_payment_setup,
    detach_payment_method,
    ensure_payment_customer,
    finish_payment_setup,
    get_payment_customer,
    get_payment_method,
    get_payment_setup,
    list_payment_methods,
)
from domain.ids import UserId, derive, provider_key
from providers.ports import CardSetup
from runtime.crypto import hmac_hex
from runtime.tokens import sign_token

PROVIDER = "stripe"
SETUP_PURPOSE = "card-setup"
# The address must be the same when the same visit is begun again, or the provider takes it for
# another request; the visit itself ends after a day at the provider.
_LINK_ENDS = datetime(2100, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class SetupOutcome:
    status: str
    method: PaymentMethodRow | None


async def start_setup(services: Services, owner: UserId, setup_id: UUID) -> str | None:
    """Open a visit to the provider's page and return its address.

    The provider is asked outside of any transaction, with keys that make asking twice harmless.
    """
    async with services.database.transaction(owner) as session:
        known = await get_payment_setup(session, setup_id)
        if known is None:
            await _check_room(session, services, owner)
        reference = await _open_setup_ref(session, services, owner, known) if known else None
    if reference is not None:
        return (await services.cards.get_setup(reference)).url
    customer = await _customer(services, owner)
    now = services.clock()
    token = sign_token(
        services.settings.hmac_secret.get_secret_value(),
        SETUP_PURPOSE,
        setup_id,
        _LINK_ENDS,
        owner=owner,
    )
    back = f"{services.settings.base_url}/api/autobooking/payment-methods/setups/return"
    setup = await services.cards.start_setup(
        key=provider_key("card_setup", setup_id),
        customer_ref=customer,
        currency=services.settings.policy.seller_currencies[0],
        success_url=f"{back}?token={token}",
        cancel_url=f"{back}?token={token}",
    )
    async with services.database.transaction(owner) as session:
        if await get_payment_setup(session, setup_id) is None:
            sealed = await services.vault.seal(
                session,
                owner,
                setup.setup_ref,
                table="payment_setups",
                column="setup_ref",
                row_id=setup_id,
            )
            await add_payment_setup(
                session,
                PaymentSetupRow(
                    id=setup_id,
                    user_id=owner,
                    setup_ref_encrypted=sealed,
                    status=setup.status,
                    created_at=now,
                    updated_at=now,
                ),
            )
    return setup.url


async def complete_setup(services: Services, owner: UserId, setup_id: UUID) -> SetupOutcome | None:
    """Keep the card of a finished visit; None when this person has no such visit."""
    async with services.database.transaction(owner) as session:
        row = await get_payment_setup(session, setup_id)
        if row is None or row.user_id != owner:
            return None
        if row.payment_method_id is not None:
            return SetupOutcome(
                row.status, await get_payment_method(session, row.payment_method_id)
            )
        reference = await _open_setup_ref(session, services, owner, row)
    setup = await services.cards.get_setup(reference)
    now = services.clock()
    async with services.database.transaction(owner) as session:
        row = await get_payment_setup(session, setup_id, lock=True)
        assert row is not None
        method = None
        if setup.card is not None and row.payment_method_id is None:
            method = await _keep(session, services, owner, setup)
        elif row.payment_method_id is not None:
            method = await get_payment_method(session, row.payment_method_id)
        await finish_payment_setup(session, row, setup.status, now, method.id if method else None)
    return SetupOutcome(setup.status, method)


async def remove_card(services: Services, owner: UserId, method_id: UUID) -> bool:
    """Give up a card, here and at the provider; False when this person has no such card.

    Raises:
        InUse: an attempt is charging it, or a campaign needs it and there is no other.
    """
    async with services.database.transaction(owner) as session:
        before = await get_payment_method(session, method_id)
        if before is None or before.user_id != owner or before.status == "detached":
            return False
        row = await detach_payment_method(session, owner, method_id, services.clock())
        assert row is not None
        reference = await services.vault.open(
            session,
            owner,
            row.method_ref_encrypted,
            table="payment_methods",
            column="method_ref",
            row_id=method_id,
        )
    # After the commit: a card that is gone here is never charged, whatever the provider answers.
    await services.cards.detach(reference)
    return True


async def _keep(
    session: AsyncSession, services: Services, owner: UserId, setup: CardSetup
) -> PaymentMethodRow:
    card, now = setup.card, services.clock()
    assert card is not None
    method_id = derive("payment-method", owner, PROVIDER, card.method_ref)
    sealed = await services.vault.seal(
        session,
        owner,
        card.method_ref,
        table="payment_methods",
        column="method_ref",
        row_id=method_id,
    )
    pepper = services.settings.hmac_secret.get_secret_value()
    return await add_payment_method(
        session,
        PaymentMethodRow(
            id=method_id,
            user_id=owner,
            provider=PROVIDER,
            method_ref_encrypted=sealed,
            brand=card.brand,
            last4=card.last4,
            exp_month=card.exp_month,
            exp_year=card.exp_year,
            fingerprint_hmac=card.fingerprint and hmac_hex(pepper, f"card:{card.fingerprint}"),
            created_at=now,
            updated_at=now,
        ),
    )


async def _check_room(session: AsyncSession, services: Services, owner: UserId) -> None:
    most = services.settings.policy.payment_methods_max_per_user
    if most is not None and len(await list_payment_methods(session, owner)) >= most:
        raise conflict(
            "too_many",
            f"This installation keeps at most {most} card{'s' if most > 1 else ''} a person."
            " Remove one first.",
        )


async def _customer(services: Services, owner: UserId) -> str:
    """Return the provider's name for this person, made once."""
    where = {"table": "payment_customers", "column": "customer_ref"}
    async with services.database.transaction(owner) as session:
        row = await get_payment_customer(session, owner)
        if row is not None:
            return await services.vault.open(
                session, owner, row.customer_ref_encrypted, row_id=owner, **where
            )
    made = await services.cards.create_customer(
        key=provider_key("create_customer", owner), user_reference=str(owner)
    )
    async with services.database.transaction(owner) as session:
        sealed = await services.vault.seal(session, owner, made, row_id=owner, **where)
        row = await ensure_payment_customer(
            session,
            PaymentCustomerRow(
                user_id=owner,
                provider=PROVIDER,
                customer_ref_encrypted=sealed,
                created_at=services.clock(),
            ),
        )
        return await services.vault.open(
            session, owner, row.customer_ref_encrypted, row_id=owner, **where
        )


async def _open_setup_ref(
    session: AsyncSession, services: Services, owner: UserId, row: PaymentSetupRow
) -> str:
    return await services.vault.open(
        session,
        owner,
        row.setup_ref_encrypted,
        table="payment_setups",
        column="setup_ref",
        row_id=row.id,
    )
