"""The frame in a real browser: it can be read by everybody, and says no as a page."""

from typing import Any


async def test_a_page_that_is_not_there_says_so_to_everybody(
    new_page: Any, accessible: Any
) -> None:
    page = await new_page()
    answer = await page.goto("/nowhere")
    assert answer.status == 404
    assert await page.locator("h1").inner_text() == "There is no such page"
    await accessible(page)
