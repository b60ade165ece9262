"""The pages of second factors, at the door, before money moves and in the account; and keys."""

from api.web import api_keys, passkey_pages, second_factor, security, security_gate, step_up

PAGES = (second_factor, step_up, security, security_gate, passkey_pages, api_keys)
