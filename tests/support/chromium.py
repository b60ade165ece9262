"""Debian's Chromium, and what every page is held against in it."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from axe_playwright_python.base import AXE_SCRIPT, AxeResults
from playwright.async_api import Browser, Page, Route, ViewportSize, async_playwright
from scores import Scores, on_a_phone

# Debian's Chromium without what only a window needs: half the work for the same pages.
SHELL, CHROMIUM = "chromium-headless-shell", "chromium"
# A page is left again before what is compiled for its scripts, and axe, would pay.
_NO_COMPILERS = "--js-flags=--no-opt,--no-maglev"
NARROW: ViewportSize = {"width": 320, "height": 720}
WIDE: ViewportSize = {"width": 1280, "height": 900}
# Of what is well, nobody asks where it is, and finding that out takes axe time.
_BRIEFLY = {"resultTypes": ["violations"]}
_EVERYTHING = _BRIEFLY | {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
}
# Nothing else is another in the dark.
_COLOURS = _BRIEFLY | {"runOnly": {"type": "rule", "values": ["color-contrast"]}}
_JUDGE = """async (options) => {
    const { violations, passes } = await axe.run(options);
    return { violations, passes };
}"""
# What reaches out of the page, where the page can be scrolled sideways.
_TOO_WIDE = """() => document.documentElement.scrollWidth <= innerWidth ? [] :
    [...document.querySelectorAll('body *')]
        .filter(one => !one.closest('thead') && one.getBoundingClientRect().right > innerWidth + 0.5)
        .map(one => one.outerHTML.slice(0, 120)).slice(0, 5)"""


@asynccontextmanager
async def running_chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=_chromium(), args=["--no-sandbox", _NO_COMPILERS]
        )
        yield browser
        await browser.close()


async def held_back(page: Page, address: str) -> asyncio.Event:
    """Keep what an address answers from the page until the event that is returned."""
    released = asyncio.Event()

    async def hold(route: Route) -> None:
        await released.wait()
        await route.continue_()

    await page.route(address, hold)
    return released


async def complaints_about(
    page: Page, scores: Scores | None = None, name: str | None = None
) -> list[str]:
    """Hold a page, as it stands, against WCAG 2.2 AA in light and dark, and at 320 pixels.

    `scores` learns what a page of this name scored.
    """
    await page.wait_for_load_state()  # a page that is led to may stand before its styles do
    said, judged, size = [], {}, page.viewport_size
    await page.evaluate(AXE_SCRIPT)
    for scheme, rules in (("light", _EVERYTHING), ("dark", _COLOURS)):
        await page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        found = AxeResults(await page.evaluate(_JUDGE, rules))
        judged[scheme] = found.response
        if found.violations_count:
            said.append(f"{page.url} in {scheme}:\n{found.generate_report()}")
    await page.emulate_media(color_scheme="light")
    await page.set_viewport_size(NARROW)
    wide = await page.evaluate(_TOO_WIDE)
    if wide:
        said.append(f"{page.url} is wider than a phone: {wide}")
    if scores is not None:
        scores.add(name or page.url, judged["light"], await on_a_phone(page))
    if size is not None:
        await page.set_viewport_size(size)
    return said


def _chromium() -> str:
    """Return Debian's Chromium, installed if this is a machine of ours to install on."""
    found = shutil.which(SHELL)
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-qq"], check=False)
        subprocess.run(["apt-get", "install", "-qq", "-y", SHELL], check=False, env=quiet)
    found = shutil.which(SHELL) or shutil.which(CHROMIUM)
    if found is None:
        pytest.fail(f"These tests need Chromium. On Debian: sudo apt-get install {SHELL}")
    return found
