"""The pages as a browser without scripts uses them: it keeps cookies and fills in forms."""

import re
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import urljoin, urlsplit
from uuid import uuid4

import httpx2
from bs4 import BeautifulSoup, Tag

from api.web import cookies
from db.queries.web_sessions import add_session
from db.session import Database
from domain.ids import UserId
from runtime.clock import system_now
from runtime.settings import Settings
from runtime.web_tokens import new_token, session_hash

_MOST_REDIRECTS = 5


@dataclass
class Shown:
    """A page that came back: its status, its address, its text as people read it."""

    status: int
    path: str
    headers: httpx2.Headers
    html: str
    content: bytes = b""

    @cached_property
    def soup(self) -> BeautifulSoup:
        return BeautifulSoup(self.html, "html.parser")

    @cached_property
    def text(self) -> str:
        """The words of the page, with single spaces."""
        main = self.soup.find("main") or self.soup
        return re.sub(r"\s+", " ", main.get_text(" ")).strip()

    def problems(self) -> list[str]:
        """Return what the error summary says."""
        summary = self.soup.select_one(".summary")
        if summary is None:
            return []
        return [" ".join(one.get_text().split()) for one in summary.select("li, p")]

    def form(self, action: str | None = None) -> Tag:
        """Return the page's form that posts to an address, or its only one in the main part."""
        main = self.soup.find("main")
        assert isinstance(main, Tag), self.html
        found = [
            one
            for one in main.find_all("form")
            if action is None or urlsplit(str(one.get("action") or self.path)).path == action
        ]
        assert found, f"no form for {action or 'anything'} at {self.path}:\n{self.text}"
        return found[0]


@dataclass
class Site:
    """One browser at one installation."""

    url: str
    http: httpx2.AsyncClient
    jar: dict[str, str] = field(default_factory=dict)
    person: Any = None
    """Whose browser it is, where a test needs to know."""

    async def get(self, path: str, *, follow: bool = True, **headers: str) -> Shown:
        return await self._ask("GET", path, headers=headers, follow=follow)

    async def post(
        self, path: str, data: Mapping[str, Any] | None = None, *, follow: bool = True, **more: Any
    ) -> Shown:
        """Post just this, as somebody would who knows the address."""
        return await self._ask("POST", path, data=dict(data or {}), follow=follow, **more)

    async def submit(
        self,
        page: str | Shown,
        fields: Mapping[str, Any] | None = None,
        *,
        action: str | None = None,
        follow: bool = True,
        **more: Any,
    ) -> Shown:
        """Open a page, fill in its form, and send it with everything that the form holds."""
        shown = page if isinstance(page, Shown) else await self.get(page)
        form = shown.form(action)
        values = _values(form) | dict(fields or {})
        values = {name: value for name, value in values.items() if value is not None}
        target = str(form.get("action") or shown.path)
        return await self._ask("POST", target, data=values, follow=follow, **more)

    async def sign_in_as(self, settings: Settings, database: Database, user_id: UserId) -> None:
        """Be signed in, without the door."""
        token = new_token()
        async with database.transaction(user_id) as session:
            await add_session(
                session,
                session_id=uuid4(),
                user_id=user_id,
                token_hash=session_hash(settings.api_key_pepper, token),
                device="A test",
                now=system_now(),
                lasts=settings.accounts.session,
                stepped_up_at=system_now(),
            )
        self.jar[cookies.SESSION] = token

    async def _ask(
        self, method: str, path: str, *, follow: bool, headers: Mapping[str, str] = {}, **more: Any
    ) -> Shown:
        for _ in range(_MOST_REDIRECTS):
            address = urljoin(self.url, path)
            sent = {
                "Accept": "text/html",
                "Cookie": "; ".join(f"{k}={v}" for k, v in self.jar.items()),
                **headers,
            }
            answer = await self.http.request(method, address, headers=sent, **more)
            self._keep(answer)
            if not (follow and answer.status_code in {302, 303}):
                break
            method, path, more = "GET", answer.headers["location"], {}
        where = urlsplit(str(answer.url))
        shown = where.path + (f"?{where.query}" if where.query else "")
        return Shown(answer.status_code, shown, answer.headers, answer.text, answer.content)

    def _keep(self, answer: httpx2.Response) -> None:
        # The client's own jar would not send a secure cookie over plain HTTP.
        for line in answer.headers.get_list("set-cookie"):
            name, _, rest = line.partition("=")
            value = rest.partition(";")[0].strip('"')
            if "max-age=0" in line.lower() or not value:
                self.jar.pop(name, None)
            else:
                self.jar[name] = value
        self.http.cookies.clear()


def _values(form: Tag) -> dict[str, Any]:
    """Return what the form would send if nobody touched it."""
    found: dict[str, Any] = {}
    for one in form.find_all(["input", "select", "textarea"]):
        name, kind = one.get("name"), one.get("type", "text")
        if not name or kind in {"submit", "button", "file"}:
            continue
        if kind in {"checkbox", "radio"}:
            if one.has_attr("checked"):
                found.setdefault(str(name), []).append(one.get("value", "on"))
        elif one.name == "select":
            chosen = one.find("option", selected=True) or one.find("option")
            found[str(name)] = chosen.get("value", "") if isinstance(chosen, Tag) else ""
        else:
            found[str(name)] = one.get_text() if one.name == "textarea" else one.get("value", "")
    return found


async def new_site(url: str, opened: AsyncExitStack) -> Site:
    """Return a browser that has not been here before; it closes with `opened`."""
    client = httpx2.AsyncClient(timeout=60, follow_redirects=False)
    await opened.enter_async_context(client)
    return Site(url, client)
