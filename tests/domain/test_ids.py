from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from domain.ids import (
    AttemptId,
    CampaignId,
    UserId,
    attempt_id_for,
    booking_id_for,
    campaign_id_for,
    derive,
    notice_id_for,
    proposal_id_for,
    provider_key,
)

OWNER = UserId(UUID(int=1))


@given(st.lists(st.text(), min_size=1, max_size=4))
def test_the_same_parts_give_the_same_id(parts: list[str]):
    assert derive(*parts) == derive(*parts)
    assert derive(*parts).version == 5


def test_derived_ids_never_change_between_releases():
    assert str(derive("campaign", "x")) == "d87ff348-a473-56c8-9260-1fe8dcef85f4"


def test_parts_do_not_run_into_each_other():
    assert derive("ab", "c") != derive("a", "bc")


def test_every_kind_and_number_has_ids_of_its_own():
    campaign = campaign_id_for(OWNER, "key")
    attempt = attempt_id_for(campaign, 1)
    ids = [
        campaign,
        campaign_id_for(OWNER, "other"),
        campaign_id_for(UserId(UUID(int=2)), "key"),
        attempt,
        attempt_id_for(campaign, 2),
        booking_id_for(attempt),
        proposal_id_for(campaign, "1"),
        notice_id_for(campaign, "booked", "email"),
        notice_id_for(campaign, "booked", "in_app"),
    ]
    assert len(set(ids)) == len(ids)


def test_provider_keys_say_what_they_are_for():
    subject = AttemptId(UUID(int=7))
    assert provider_key("pi", subject, 2) == f"pf:pi:{subject}:2"
    assert provider_key("pi", subject) != provider_key("refund", subject)
    assert CampaignId(UUID(int=7)) == subject  # types tell them apart, not values
