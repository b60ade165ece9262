"""Pages as Chromium reports them: bytes, the largest paint, and what moved while they were open."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from playwright.async_api import Browser, BrowserContext, Page, async_playwright
from playwright.async_api import TimeoutError as PlaywrightTimeoutError

from api.web.cookies import SESSION

_WIDE: Any = {"width": 1280, "height": 900}
_OBSERVE = """
    window.seen = {paint: 0, shift: 0, moved: []};
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) window.seen.paint = entry.startTime;
    }).observe({type: "largest-contentful-paint", buffered: true});
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        if (entry.hadRecentInput) continue;
        window.seen.shift += entry.value;
        for (const source of entry.sources) window.seen.moved.push(source.node?.outerHTML ?? "");
      }
    }).observe({type: "layout-shift", buffered: true});
"""
_SETTLE_SECONDS = 0.5
_UPDATE_SECONDS = 15.0


@dataclass(frozen=True)
class Drawn:
    """One load of a page with nothing kept from before."""

    bytes: int
    largest_paint: float  # milliseconds since the navigation began


@dataclass(frozen=True)
class Shifts:
    """What moved on a page by itself while updates arrived: Chromium's score, summed up."""

    score: float
    updates: int
    moved: tuple[str, ...]


async def draw(
    url: str, cookie: str, paths: Mapping[str, str], loads: int
) -> dict[str, list[Drawn]]:
    """Load each page so many times in a browser that was never here before."""
    async with _chromium() as browser:
        return {
            name: [await _load(browser, url, cookie, path) for _ in range(loads)]
            for name, path in paths.items()
        }


async def shifts_of(
    url: str,
    cookie: str,
    paths: Mapping[str, str],
    change: Callable[[int], Awaitable[None]],
    changes: int,
) -> dict[str, Shifts]:
    """Open each page, let something change so many times, and return how far it moved by that."""
    found = {}
    async with _chromium() as browser:
        for name, path in paths.items():
            async with _context(browser, url, cookie) as context:
                page = await context.new_page()
                await page.goto(path, wait_until="load")
                await asyncio.sleep(_SETTLE_SECONDS)
                await page.evaluate("window.seen.shift = 0; window.seen.moved = []")
                updates = 0
                for number in range(changes):
                    updates += await _updated(page, change, number)
                seen = await page.evaluate("window.seen")
                moved = tuple(dict.fromkeys(str(one)[:200] for one in seen["moved"]))
                found[name] = Shifts(round(seen["shift"], 4), updates, moved)
    return found


async def _updated(page: Page, change: Callable[[int], Awaitable[None]], number: int) -> bool:
    """Change something; say whether the page showed another version soon."""
    version = await page.evaluate("document.querySelector('[data-live]').dataset.version")
    await change(number)
    try:
        await page.wait_for_function(
            "(seen) => document.querySelector('[data-live]').dataset.version !== seen",
            arg=version,
            timeout=_UPDATE_SECONDS * 1000,
        )
    except PlaywrightTimeoutError:
        return False
    await asyncio.sleep(_SETTLE_SECONDS)
    return True


async def _load(browser: Browser, url: str, cookie: str, path: str) -> Drawn:
    async with _context(browser, url, cookie) as context:
        page = await context.new_page()
        session = await context.new_cdp_session(page)
        sizes: list[float] = []
        session.on(
            "Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"])
        )
        await session.send("Network.enable")
        await page.goto(path, wait_until="load")
        await asyncio.sleep(_SETTLE_SECONDS)
        seen = await page.evaluate("window.seen")
        return Drawn(int(sum(sizes)), float(seen["paint"]))


@asynccontextmanager
async def _chromium() -> AsyncIterator[Browser]:
    found = shutil.which("chromium")
    if found is None:
        raise RuntimeError("this needs Chromium; on Debian: sudo apt-get install chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def _context(browser: Browser, url: str, cookie: str) -> AsyncIterator[BrowserContext]:
    context = await browser.new_context(base_url=url, viewport=_WIDE)
    name, _, value = cookie.partition("=")
    assert name == SESSION
    # Browsers send a secure cookie to localhost; it is put there as over HTTPS.
    secure = url.replace("http:", "https:")
    await context.add_cookies(
        [{"name": name, "value": value, "url": secure, "secure": True, "httpOnly": True}]
    )
    await context.add_init_script(_OBSERVE)
    try:
        yield context
    finally:
        await context.close()
