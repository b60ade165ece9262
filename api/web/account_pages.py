"""The pages of accounts: the doors, links in mails, and what a person changes there."""

from api.web import (
    account,
    account_sessions,
    confirm,
    first_admin,
    forgot,
    identity,
    identity_link,
    keep_address,
    privacy,
    reference,
    sign_in,
    sign_up,
)

PAGES = (
    sign_up,
    sign_in,
    forgot,
    confirm,
    keep_address,
    account,
    account_sessions,
    identity,
    identity_link,
    privacy,
    reference,
    first_admin,
)
