"""A real browser at the running product: the stack of `make run`, and Debian's Chromium."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from chromium import NARROW, WIDE, complaints_about, running_chromium
from playwright.async_api import Browser, BrowserContext, Page, expect

from cli.stack import Stack

# How long a page takes to change says how busy the machine is.
expect.set_options(timeout=60_000)


@dataclass(frozen=True)
class LiveSite:
    """The product, running as `make run` runs it, with an installation of its own."""

    url: str
    stack: Stack

    def mails(self) -> list[dict[str, Any]]:
        """Return the mails in the sandbox's inbox, as its JSON has them."""
        answer = httpx.get(f"{self.stack.sandbox_url}/mail/api/messages", timeout=30)
        answer.raise_for_status()
        found: list[dict[str, Any]] = answer.json()["messages"]
        return found


@pytest.fixture(scope="session")
def live_site() -> Iterator[LiveSite]:
    with Stack.temporary() as stack:
        yield LiveSite(f"http://localhost:{stack.settings.api_port}", stack)


@pytest.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    async with running_chromium() as browser:
        yield browser


NewPage = Callable[..., Awaitable[Page]]


@pytest.fixture
async def new_page(chromium: Browser, live_site: LiveSite) -> AsyncIterator[NewPage]:
    """Return a way to open a browser of somebody new; what it logs as an error fails the test."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    async def make(*, scripts: bool = True, narrow: bool = False, dark: bool = False) -> Page:
        context = await chromium.new_context(
            base_url=live_site.url,
            viewport=NARROW if narrow else WIDE,
            java_script_enabled=scripts,
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
        )
        contexts.append(context)
        page = await context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda message: (
                complaints.append(message.text)
                if "Content Security Policy" in message.text
                else None
            ),
        )
        return page

    yield make
    for context in contexts:
        await context.close()
    assert complaints == [], complaints


async def assert_accessible(page: Page) -> None:
    """Hold a page, as it stands, against WCAG 2.2 AA in light and dark, and at 320 pixels."""
    said = await complaints_about(page)
    assert not said, "\n".join(said)


@pytest.fixture
def accessible() -> Callable[[Page], Awaitable[None]]:
    return assert_accessible
