"""What a page scores: for everybody, as Lighthouse weighs it, and on a phone.

Lighthouse weighs each rule by what it does to people who meet a violation of it, and leaves out
those that have nothing to judge on a page.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from playwright.async_api import Page

_WEIGHTS = {"critical": 10, "serious": 7, "moderate": 3, "minor": 1}
_CHECKS = ("any", "all", "none")
# WCAG 2.2's 2.5.8: 24 pixels each way, but for links in a sentence and for what has room around it.
_ON_A_PHONE = """() => {
    const LEAST = 24, READABLE = 12;
    const viewport = document.querySelector("meta[name=viewport]")?.content ?? "";
    const seen = (one) => one.checkVisibility({ visibilityProperty: true });
    const box = (one) => (one.matches("[type=checkbox], [type=radio]") && one.closest("label") || one)
        .getBoundingClientRect();
    const targets = [...document.querySelectorAll(
        "a[href], button, summary, select, textarea, [role=option], input:not([type=hidden])",
    )].filter(seen).map((one) => ({ one, at: box(one) }))
        .filter(({ at }) => at.width > 1 && at.height > 1 && at.bottom > 0 && at.right > 0);
    const inSentence = (one) => getComputedStyle(one).display === "inline" &&
        [...one.parentNode.childNodes].some((near) => near.nodeType === 3 && near.data.trim());
    const near = (x, y, at) => Math.hypot(
        Math.max(at.left - x, 0, x - at.right), Math.max(at.top - y, 0, y - at.bottom),
    ) < LEAST / 2;
    const small = targets.filter(({ one, at }) => {
        if ((at.width >= LEAST && at.height >= LEAST) || inSentence(one)) return false;
        const [x, y] = [(at.left + at.right) / 2, (at.top + at.bottom) / 2];
        return targets.some((other) => other.one !== one && near(x, y, other.at));
    });
    const words = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    let letters = 0, tiny = [];
    while (words.nextNode()) {
        const { data, parentElement: holder } = words.currentNode;
        if (!data.trim() || holder.closest("script, style, noscript") || !seen(holder)) continue;
        const drawn = holder.closest("svg");
        const scale = drawn ? drawn.getBoundingClientRect().width / (drawn.viewBox.baseVal.width || 1) : 1;
        letters += data.trim().length;
        if (parseFloat(getComputedStyle(holder).fontSize) * scale < READABLE - 0.5) tiny.push(data.trim());
    }
    const little = tiny.join("").length;
    return {
        "a viewport that fits and can be enlarged": viewport.includes("width=device-width") &&
            !/user-scalable=(no|0)|maximum-scale=[0-4]/.test(viewport) ? "" : viewport || "none",
        "nothing wider than the phone": document.documentElement.scrollWidth <= innerWidth ? ""
            : `${document.documentElement.scrollWidth} pixels`,
        "what is pressed can be hit": small.map(({ one }) => one.outerHTML.slice(0, 90)).join("; "),
        "words that can be read": little * 10 <= letters ? "" : tiny.slice(0, 5).join("; "),
    };
}"""


@dataclass
class Scores:
    """What all pages of a walk scored."""

    accessibility: list[tuple[float, str]] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    asked: int = 0

    def add(self, page: str, axe: Mapping[str, Any], phone: Mapping[str, str]) -> None:
        self.accessibility.append((accessibility(axe), page))
        self.asked += len(phone)
        self.failed += [f"{page}: {check}: {found}" for check, found in phone.items() if found]

    def __iadd__(self, other: "Scores") -> Self:
        self.accessibility += other.accessibility
        self.failed += other.failed
        self.asked += other.asked
        return self

    @property
    def lowest(self) -> tuple[float, str]:
        return min(self.accessibility)

    @property
    def mean(self) -> float:
        return sum(score for score, _ in self.accessibility) / len(self.accessibility)

    @property
    def on_a_phone(self) -> float:
        """Return how many of a hundred checks were passed."""
        return 100 * (1 - len(self.failed) / self.asked)


def accessibility(axe: Mapping[str, Any]) -> float:
    """Return the share of what can be passed that is: 100 where no rule is broken."""
    passed, broken = (sum(map(_weight, axe[kind])) for kind in ("passes", "violations"))
    return 100 * passed / (passed + broken) if passed + broken else 100.0


async def on_a_phone(page: Page) -> dict[str, str]:
    """Return for each check what is wrong on the page as it stands; nothing where it is passed."""
    found: dict[str, str] = await page.evaluate(_ON_A_PHONE)
    return found


def _weight(rule: Mapping[str, Any]) -> int:
    """Weigh a rule by its impact; axe tells that of a passed one by its checks only."""
    said = rule.get("impact")
    return _WEIGHTS[said] if said else max(_impacts(rule["nodes"]), default=1)


def _impacts(nodes: Iterable[Mapping[str, Any]]) -> Iterable[int]:
    for node in nodes:
        for kind in _CHECKS:
            yield from (_WEIGHTS[check["impact"]] for check in node[kind] if check.get("impact"))
