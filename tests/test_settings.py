"""Settings: what is read, what is refused and how it is said, and the example file's completeness."""

import re
from pathlib import Path

import pytest

from runtime.crypto import new_master_key
from runtime.settings import (
    AppEnv,
    ProviderMode,
    Settings,
    SettingsError,
    default_env_files,
    load_settings,
    unknown_variables,
    variables,
)
from runtime.signing import new_mandate_key

ROOT = Path(__file__).resolve().parents[1]
COMPLETE = {
    "PARKER_DATABASE_URL": "postgresql://u:p@host/db",
    "PARKER_MASTER_KEYS": new_master_key("k1"),
    "PARKER_HMAC_SECRET": "s" * 40,
}
PRODUCTION = COMPLETE | {
    "PARKER_APP_ENV": "production",
    "PARKER_MANDATE_KEYS": new_mandate_key("m1"),
    "PARKER_PUBLIC_URL": "https://travel.parker.example",
    "DUFFEL_API_TOKEN": "duffel_live_abc",
    "DUFFEL_WEBHOOK_SECRET": "hook",
    "STRIPE_SECRET_KEY": "sk_live_abc",
    "STRIPE_WEBHOOK_SECRET": "whsec_abc",
    "SMTP_HOST": "mail.parker.example",
}


def load(values: dict[str, str]) -> Settings:
    return load_settings(values, env_files=())


def problems(values: dict[str, str]) -> str:
    with pytest.raises(SettingsError) as caught:
        load(values)
    return str(caught.value)


def test_without_keys_every_provider_is_a_sandbox() -> None:
    settings = load(COMPLETE)
    assert settings.app_env is AppEnv.DEVELOPMENT
    assert settings.any_sandbox
    assert {settings.provider_mode(v) for v in ("duffel", "stripe", "smtp")} == {
        ProviderMode.SANDBOX
    }
    assert settings.duffel_api_url == "http://127.0.0.1:8090/duffel"
    assert settings.duffel_api_token.startswith("duffel_test_")
    assert settings.stripe_api_url == "http://127.0.0.1:8090/stripe"
    assert settings.stripe_secret_key.startswith("sk_test_")
    assert (settings.smtp_host, settings.smtp_port) == ("127.0.0.1", 8025)
    assert not settings.smtp_starttls
    assert settings.keys.current_id == "k1"


def test_a_key_makes_its_provider_real_and_leaves_the_others() -> None:
    settings = load(COMPLETE | {"DUFFEL_API_TOKEN": "duffel_test_abc"})
    assert settings.provider_mode("duffel") is ProviderMode.TEST
    assert settings.duffel_api_url == "https://api.duffel.com"
    assert settings.duffel_api_token == "duffel_test_abc"
    assert settings.provider_mode("stripe") is ProviderMode.SANDBOX


def test_an_address_of_our_own_wins_over_the_default() -> None:
    settings = load(
        COMPLETE | {"DUFFEL_API_URL": "http://proxy/duffel/", "PARKER_SANDBOX_URL": "http://box:1"}
    )
    assert settings.duffel_api_url == "http://proxy/duffel"
    assert settings.stripe_api_url == "http://box:1/stripe"
    assert settings.smtp_host == "box"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("PARKER_API_PORT", "eighty", "PARKER_API_PORT: .*valid integer"),
        ("PARKER_API_PORT", "70000", "PARKER_API_PORT: .*65535"),
        ("PARKER_APP_ENV", "prod", "PARKER_APP_ENV: .*production"),
        ("SMTP_PORT", "x", "SMTP_PORT: .*valid integer"),
        ("PARKER_DATABASE_URL", "mysql://x", "PARKER_DATABASE_URL is malformed.*postgresql://"),
        ("PARKER_MASTER_KEYS", "k1:c2hvcnQ=", "PARKER_MASTER_KEYS: the key 'k1' has 5 bytes"),
        ("PARKER_MANDATE_KEYS", "m1:c2hvcnQ=", "PARKER_MANDATE_KEYS: the key 'm1' has 5 bytes"),
        ("PARKER_HMAC_SECRET", "short", "PARKER_HMAC_SECRET is too short.*32 characters"),
        ("DUFFEL_API_TOKEN", "abc", "DUFFEL_API_TOKEN is malformed.*duffel_test_"),
        ("STRIPE_SECRET_KEY", "pk_test_x", "STRIPE_SECRET_KEY is malformed.*sk_test_"),
        ("PARKER_PUBLIC_URL", "travel", "PARKER_PUBLIC_URL is malformed.*http"),
        ("PARKER_TEMPORAL_UI_URL", "javascript:1", "PARKER_TEMPORAL_UI_URL is malformed.*http"),
        ("PARKER_TEMPORAL_UI_URL", "https:///ui", "PARKER_TEMPORAL_UI_URL is malformed.*http"),
        ("PARKER_POLICY_HORIZON_DAYS", "far", "PARKER_POLICY_HORIZON_DAYS: .*valid integer"),
        ("PARKER_POLICY_HORIZON", "3", "PARKER_POLICY_HORIZON: "),
        ("PARKER_POLICY_SPENDING_CAP_DAILY", "500", "SPENDING_CAP_DAILY: '500' is not CURRENCY"),
        # Readings that this version does not have are refused, not ignored.
        ("PARKER_POLICY_CHARGE_MODE", "charge_first", "CHARGE_MODE: .*authorize_then_capture"),
        ("PARKER_POLICY_FALLBACK_PROVIDER", "amadeus", "FALLBACK_PROVIDER: .*none"),
        ("PARKER_POLICY_WEIGHT_PRICE", "0", "PARKER_POLICY: .*weight_price must be above 0"),
    ],
)
def test_a_malformed_setting_names_its_variable(name: str, value: str, expected: str) -> None:
    assert re.search(expected, problems(COMPLETE | {name: value}))


def test_missing_settings_are_all_named_at_once() -> None:
    said = problems({})
    for name in COMPLETE:
        assert f"{name} is not set" in said


@pytest.mark.parametrize(
    ("name", "value"), [("DUFFEL_API_TOKEN", "duffel_live_x"), ("STRIPE_SECRET_KEY", "sk_live_x")]
)
def test_a_live_key_is_refused_outside_production(name: str, value: str) -> None:
    said = problems(COMPLETE | {name: value})
    assert f"{name} is a live key" in said
    assert value not in said


def test_production_takes_live_keys() -> None:
    settings = load(PRODUCTION)
    assert settings.provider_mode("duffel") is ProviderMode.LIVE
    assert settings.provider_mode("stripe") is ProviderMode.LIVE
    assert not settings.any_sandbox
    assert settings.stripe_webhook_secret == "whsec_abc"


# Everything works by polling, so a webhook's secret is wanted only where webhooks are taken.
OPTIONAL = {"PARKER_APP_ENV", "DUFFEL_WEBHOOK_SECRET", "STRIPE_WEBHOOK_SECRET"}


@pytest.mark.parametrize("name", sorted(set(PRODUCTION) - OPTIONAL))
def test_production_never_falls_back(name: str) -> None:
    said = problems({key: value for key, value in PRODUCTION.items() if key != name})
    assert f"{name} is not set" in said


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("DUFFEL_API_TOKEN", "duffel_test_x", "must both be live or both be test"),
        ("PARKER_HMAC_SECRET", "changeme" * 5, "PARKER_HMAC_SECRET still has the value"),
        ("PARKER_PUBLIC_URL", "http://travel.parker.example", "must be https"),
        ("PARKER_SIMULATED_CLOCK", "true", "no place in production"),
    ],
)
def test_production_refuses_what_is_only_good_for_playing(
    name: str, value: str, expected: str
) -> None:
    assert expected in problems(PRODUCTION | {name: value})


def test_supabase_names_are_accepted() -> None:
    values = {k: v for k, v in COMPLETE.items() if k != "PARKER_DATABASE_URL"}
    values |= {"SUPABASE_URL": "https://abc.supabase.co", "SUPABASE_SERVICE_ROLE_KEY": "a/b"}
    address = "postgresql://postgres:a%2Fb@db.abc.supabase.co:5432/postgres?sslmode=require"
    assert load(values).database_for("owner") == address
    own = values | {"PARKER_DATABASE_URL": COMPLETE["PARKER_DATABASE_URL"]}
    assert load(own).database_for("app") == COMPLETE["PARKER_DATABASE_URL"]


def test_a_process_needs_its_own_login_only_and_in_production_has_one() -> None:
    own = {k: v for k, v in PRODUCTION.items() if k != "PARKER_DATABASE_URL"}
    app = own | {"PARKER_DATABASE_APP_URL": "postgresql://parker_app:p@host/db"}
    settings = load(app).require_own_login("app")
    assert settings.database_for("app") == app["PARKER_DATABASE_APP_URL"]
    assert settings.database_for("owner") == ""
    with pytest.raises(SettingsError, match="PARKER_DATABASE_WORKER_URL is not set"):
        settings.require_own_login("worker")
    with pytest.raises(SettingsError, match="PARKER_DATABASE_APP_URL is not set"):
        load(PRODUCTION).require_own_login("app")
    load(COMPLETE).require_own_login("app")


def test_policy_is_read_in_plain_words() -> None:
    policy = load(
        COMPLETE
        | {
            "PARKER_POLICY_SPENDING_CAP_DAILY": "usd:500, EUR:40.50",
            "PARKER_POLICY_SELLER_CURRENCIES": "usd, EUR",
            "PARKER_POLICY_PAYMENT_METHODS_MAX_PER_USER": "none",
        }
    ).policy
    assert {k: str(v) for k, v in policy.spending_cap_daily.items()} == {
        "USD": "500",
        "EUR": "40.50",
    }
    assert policy.seller_currencies == ("USD", "EUR")
    assert policy.payment_methods_max_per_user is None
    assert policy.searches_per_second == 1.8
    assert str(policy.price_tolerance) == "0.02"


def test_an_empty_variable_counts_as_unset() -> None:
    settings = load(COMPLETE | {"PARKER_API_PORT": "", "DUFFEL_API_TOKEN": " "})
    assert settings.api_port == 8000
    assert settings.provider_mode("duffel") is ProviderMode.SANDBOX


@pytest.mark.parametrize(
    ("variables", "address"),
    [
        ({}, "http://localhost:8000"),
        ({"PARKER_API_HOST": "0.0.0.0", "PARKER_API_PORT": "80"}, "http://localhost:80"),
        # Nothing of ours would answer at localhost there.
        ({"PARKER_API_HOST": "192.168.1.7"}, "http://192.168.1.7:8000"),
        ({"PARKER_PUBLIC_URL": "https://fly.example/"}, "https://fly.example"),
    ],
)
def test_travellers_reach_us_by_a_name_where_they_can(variables: dict[str, str], address: str):
    # A number cannot be what a passkey belongs to.
    assert load(COMPLETE | variables).base_url == address


def test_the_environment_wins_over_files_and_the_last_file_over_the_first(tmp_path: Path) -> None:
    weak, strong = tmp_path / "stack.env", tmp_path / ".env"
    weak.write_text("PARKER_API_PORT=1001\nPARKER_SANDBOX_PORT=1001\nPARKER_TEMPORAL_PORT=1001\n")
    strong.write_text("PARKER_SANDBOX_PORT=1002\nPARKER_TEMPORAL_PORT=1002\n")
    settings = load_settings(
        COMPLETE | {"PARKER_TEMPORAL_PORT": "1003"}, env_files=(weak, strong, tmp_path / "none")
    )
    assert (settings.api_port, settings.sandbox_port, settings.temporal_port) == (1001, 1002, 1003)


def test_no_file_is_read_where_none_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARKER_ENV_FILE", "")
    monkeypatch.setenv("PARKER_STATE_DIR", "elsewhere")
    assert [str(file) for file in default_env_files()] == [
        "elsewhere/secrets.env",
        "elsewhere/stack.env",
    ]


def test_secrets_do_not_show() -> None:
    shown = repr(load(PRODUCTION)) + str(load(PRODUCTION)) + repr(load(PRODUCTION).keys)
    for name in ("DUFFEL_API_TOKEN", "STRIPE_SECRET_KEY", "PARKER_HMAC_SECRET"):
        assert PRODUCTION[name] not in shown
    shown += repr(load(PRODUCTION).mandate_signing)
    for name in ("PARKER_MASTER_KEYS", "PARKER_MANDATE_KEYS"):
        assert PRODUCTION[name].partition(":")[2] not in shown


def test_a_misspelt_variable_is_found() -> None:
    assert unknown_variables({"PARKER_API_PROT": "1", "PARKER_API_PORT": "1", "PATH": "x"}) == [
        "PARKER_API_PROT"
    ]


def test_the_example_file_explains_every_setting_with_its_default() -> None:
    text = (ROOT / ".env.example").read_text()
    shown = dict(re.findall(r"^#([A-Z][A-Z0-9_]+)=(.*)$", text, re.MULTILINE))
    others = {name for name in shown if name.startswith("POSTGRES_")} | {"TEMPORAL_CODEC_ENDPOINT"}
    assert set(shown) - others == set(variables())
    assert not re.search(r"^[A-Z]", text, re.MULTILINE), "an example must not set anything"
    examples = {"PARKER_DATABASE_URL", "POSTGRES_PASSWORD"}
    given = {k: v for k, v in shown.items() if v and k not in examples}
    assert load(COMPLETE | given).model_dump() == load(COMPLETE).model_dump()
