"""Two ways to use a page: as with a mouse or a finger, and by keyboard alone.

Each counts what it asks of a person, by the keystroke-level model of Card, Moran and Newell: a
decision, moving the hand, pointing, pressing. That is what a practised person needs at least.
"""

from datetime import date

import pytest
from playwright.async_api import Locator, Page

_DECIDE, _MOVE, _POINT, _PRESS, _KEY = 1.35, 0.4, 1.1, 0.1, 0.28
_MOST_STOPS = 150
_LONG_MS = 60_000
_HAS_FOCUS = "one => one === document.activeElement"
_IN_ITS_GROUP = """one => {
    const at = document.activeElement;
    return at.type === "radio" && at.name === one.name && at.form === one.form;
}"""
# Whoever uses a keyboard must see where they are, and not below something that lies over it.
_SEEN = """one => {
    const at = one.getBoundingClientRect(), style = getComputedStyle(one);
    const ring = style.outlineStyle;  // "auto" is the browser's own
    return (ring === "auto" || (ring !== "none" && parseFloat(style.outlineWidth) >= 2)) &&
        at.bottom > 0 && at.top < innerHeight;
}"""


class Pointer:
    """Uses a page with a mouse or a finger, and types."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self.seconds = 0.0

    async def write(self, field: Locator, text: str) -> None:
        self._count(_MOVE + _KEY * len(text))
        await field.fill(text)

    async def press(self, what: Locator) -> None:
        """Press what leads to another page."""
        self._count()
        await what.click()

    async def open(self, details: Locator) -> None:
        self._count()
        await details.locator("summary").click()

    async def tick(self, box: Locator) -> None:
        self._count()
        await box.check()

    async def pick(self, field: Locator, value: str) -> None:
        self._count(_POINT + _PRESS)
        await field.select_option(value)

    def _count(self, more: float = 0.0) -> None:
        self.seconds += _DECIDE + _POINT + _PRESS + more


class Keyboard(Pointer):
    """Has no mouse: goes from stop to stop, and sees each time where it is."""

    async def write(self, field: Locator, text: str) -> None:
        await self.reach(field)
        if await field.get_attribute("type") == "date":
            # Its parts are typed one after the other, as the browser's language orders them.
            await self._page.keyboard.type(f"{date.fromisoformat(text):%m%d%Y}")
        else:
            await self._page.keyboard.press("Control+A")
            await self._page.keyboard.type(text)

    async def press(self, what: Locator) -> None:
        await self.reach(what)
        async with self._page.expect_navigation(wait_until="domcontentloaded", timeout=_LONG_MS):
            await self._page.keyboard.press("Enter")

    async def open(self, details: Locator) -> None:
        await self.reach(details.locator("summary"))
        await self._page.keyboard.press("Enter")

    async def tick(self, box: Locator) -> None:
        if await box.get_attribute("type") == "radio":
            await self._choose(box)
        elif not await box.is_checked():
            await self.reach(box)
            await self._page.keyboard.press("Space")

    async def pick(self, field: Locator, value: str) -> None:
        await self.reach(field)
        await self._page.keyboard.press("Home")
        await self._until_is_so(field, "ArrowDown", f"one => one.value === {value!r}")

    async def reach(self, what: Locator) -> None:
        """Go on to something, and see that one is there."""
        await self._until_is_so(what, "Tab", _HAS_FOCUS)
        assert await what.evaluate(_SEEN), f"the focus is not to be seen on {what}"

    async def _choose(self, box: Locator) -> None:
        """Choose one of several: the group is one stop, inside it arrows move."""
        await self._until_is_so(box, "Tab", _IN_ITS_GROUP)
        await self._page.keyboard.press("Space")
        await self._until_is_so(box, "ArrowDown", "one => one.checked")

    async def _until_is_so(self, what: Locator, key: str, so: str) -> None:
        for _ in range(_MOST_STOPS):
            if await what.evaluate(so):
                return
            await self._page.keyboard.press(key)
        pytest.fail(f"{key} does not lead to {what} on {self._page.url}")
