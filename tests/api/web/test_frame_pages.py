"""What holds for every page: its headers, its forms, who it knows, and how it says no."""

from datetime import timedelta
from typing import Any

import pytest
from browsing import Site
from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from api.web import cookies
from api.web.forms import FormDep
from api.web.pages import LeadsTo, content_policy, redirect, render, static_url
from api.web.visits import SignedInDep, VisitDep, safe_next
from db.queries.web_sessions import list_sessions, revoke_sessions
from runtime.clock import system_now


@pytest.fixture(autouse=True)
def _pages_of_the_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """Add two plain pages to the application, so that the frame is looked at by itself."""
    from api.web import pay

    router = APIRouter()
    router.include_router(pay.router)

    @router.get("/test/mine")
    async def show(visit: SignedInDep) -> HTMLResponse:
        return render(visit, "message.html", title="Mine", sentence=visit.me.role, more="more")

    @router.get("/test/form")
    async def show_form(visit: VisitDep) -> HTMLResponse:
        return HTMLResponse(
            f'<main><form method="post"><input name="form_token" value="{visit.form_token}"></form>'
        )

    @router.post("/test/mine")
    async def act(visit: SignedInDep, form: FormDep) -> Any:
        return redirect("/test/mine", say=f"Done: {form.text('word')} for {visit.me.role}")

    monkeypatch.setattr(pay, "router", router)


async def test_a_page_carries_a_strict_policy_and_is_kept_by_nobody(stranger: Site) -> None:
    shown = await stranger.get("/pay/x")
    assert shown.status == 404
    policy = shown.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert shown.headers["cache-control"] == "no-store"
    assert shown.headers["referrer-policy"] == "no-referrer"
    assert shown.headers["cross-origin-opener-policy"] == "same-origin"
    assert "<script" not in shown.html
    assert "style=" not in shown.html
    assert "SANDBOX" in shown.html


async def test_static_files_are_kept_when_asked_for_by_their_content(stranger: Site) -> None:
    kept = await stranger.get(static_url("app.css"))
    assert (kept.status, kept.headers["cache-control"]) == (
        200,
        "public, max-age=31536000, immutable",
    )
    assert (await stranger.get("/static/app.css")).headers["cache-control"] == "no-cache"


async def test_a_stranger_is_led_to_the_door_and_back(stranger: Site) -> None:
    shown = await stranger.get("/test/mine?x=1", follow=False)
    assert shown.status == 303
    assert shown.headers["location"] == "/sign-in?next=%2Ftest%2Fmine%3Fx%3D1"


async def test_a_session_ends_when_it_is_revoked_idle_or_old(
    pages: Site, make_site: Any, api_url: str, settings: Any, database: Any, ana: Any
) -> None:
    assert "traveller" in (await pages.get("/test/mine")).text
    for change in (
        {"last_seen_at": system_now() - settings.accounts.idle},
        {"expires_at": system_now()},
    ):
        site = await make_site(api_url, settings, ana)
        async with database.transaction(ana.user_id) as session:
            newest = (await list_sessions(session, ana.user_id))[0]
            for name, value in change.items():
                setattr(newest, name, value)
        assert (await site.get("/test/mine", follow=False)).status == 303
    async with database.transaction(ana.user_id) as session:
        assert await revoke_sessions(session, ana.user_id, system_now()) == 3
    assert (await pages.get("/test/mine", follow=False)).status == 303


async def test_a_form_acts_only_for_whoever_was_shown_it(
    pages: Site, other_pages: Site, api_url: str
) -> None:
    form = await pages.get("/test/form")
    done = await pages.submit(form, {"word": "hello"}, follow=False)
    assert done.status == 405  # the form has no address of its own
    token = form.form().find("input")["value"]  # type: ignore[index]
    good = {"form_token": token, "word": "hello"}
    assert "Done: hello for traveller" in (await pages.post("/test/mine", good)).text
    assert "Done:" not in (await pages.get("/test/mine")).text  # said once
    for site, fields, headers in (
        (pages, {"word": "hello"}, {}),
        (other_pages, good, {}),
        (pages, good, {"Origin": "https://elsewhere.example"}),
        (pages, good, {"Sec-Fetch-Site": "cross-site"}),
        (pages, good, {"Sec-Fetch-Site": "same-site", "Origin": "null"}),
    ):
        refused = await site.post("/test/mine", fields, headers=headers)
        assert refused.status == 403
        assert "Nothing was done" in refused.text
    for headers in ({"Origin": api_url}, {"Origin": "null", "Sec-Fetch-Site": "same-origin"}):
        own = await pages.post("/test/mine", good, headers=headers, follow=False)
        assert own.status == 303


async def test_a_refusal_is_a_page_for_people_and_a_problem_for_programs(
    stranger: Site, pages: Site
) -> None:
    page = await stranger.get("/nothing/here")
    assert page.status == 404
    assert "There is no such page" in page.text
    assert "Sign in" in page.html
    known = await pages.get("/nothing/here")
    assert "Sign in" not in known.html, "whoever is signed in is not told to sign in"
    problem = await stranger.get("/nothing/here", Accept="application/json")
    assert problem.headers["content-type"] == "application/problem+json"
    assert (await stranger.get("/api/nothing")).headers["content-type"].endswith("problem+json")


async def test_the_cookies_are_bound_to_this_host_and_hidden_from_scripts(stranger: Site) -> None:
    shown = await stranger.get("/pay/x")
    cookie = shown.headers["set-cookie"]
    assert cookie.startswith(f"{cookies.VISIT}=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=lax"} <= set(cookie.split("; "))
    assert "Domain" not in cookie


def test_a_page_leads_on_to_our_own_addresses_only() -> None:
    assert safe_next("/auto-booking/new?x=1") == "/auto-booking/new?x=1"
    for bad in (
        "//elsewhere.example",
        "https://elsewhere.example",
        "/\\elsewhere",
        "/a\nb",
        "",
        None,
    ):
        assert safe_next(bad, default="/x") == "/x"


def test_forms_lead_to_the_card_page_or_the_bank_only_where_they_should(make_settings: Any) -> None:
    sandbox = make_settings()
    assert "form-action 'self';" in content_policy(sandbox)
    assert sandbox.sandbox_base_url in content_policy(sandbox, LeadsTo.CARD_PAGE)
    real = make_settings(STRIPE_SECRET_KEY="sk_test_x")
    assert "form-action 'self' https://checkout.stripe.com;" in content_policy(
        real, LeadsTo.CARD_PAGE
    )
    assert "form-action 'self' https:;" in content_policy(real, LeadsTo.BANK)
    assert timedelta(0) < real.accounts.step_up
