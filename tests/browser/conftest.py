"""A real browser at the running product: the stack of `make run`, and Debian's Chromium."""

import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from cli.stack import Stack

CHROMIUM = "chromium"
_NARROW = {"width": 320, "height": 720}
_WIDE = {"width": 1280, "height": 900}
_RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


def _chromium() -> str:
    """Return Debian's Chromium, installed if this is a machine of ours to install on."""
    found = shutil.which(CHROMIUM)
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(["apt-get", "update", "-qq"], check=True)
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "install", "-qq", "-y", CHROMIUM], check=True, env=quiet)
        found = shutil.which(CHROMIUM)
    if found is None:
        pytest.fail("These tests need Chromium. On Debian: sudo apt-get install chromium")
    return found


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
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=_chromium(), args=["--no-sandbox"]
        )
        yield browser
        await browser.close()


NewPage = Callable[..., Awaitable[Page]]


@pytest.fixture
async def new_page(chromium: Browser, live_site: LiveSite) -> AsyncIterator[NewPage]:
    """Return a way to open a browser of somebody new; what it logs as an error fails the test."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    async def make(*, scripts: bool = True, narrow: bool = False, dark: bool = False) -> Page:
        context = await chromium.new_context(
            base_url=live_site.url,
            viewport=_NARROW if narrow else _WIDE,  # type: ignore[arg-type]
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
    size = page.viewport_size
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        found = await Axe().run(page, options=_RULES)
        assert found.violations_count == 0, f"{page.url} in {scheme}:\n{found.generate_report()}"
    await page.emulate_media(color_scheme="light")
    await page.set_viewport_size(_NARROW)  # type: ignore[arg-type]
    width = await page.evaluate("document.documentElement.scrollWidth")
    assert width <= _NARROW["width"], f"{page.url} is {width} px wide on a phone"
    if size is not None:
        await page.set_viewport_size(size)


@pytest.fixture
def accessible() -> Callable[[Page], Awaitable[None]]:
    return assert_accessible
