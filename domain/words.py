"""Sentences in the reader's language: money, days and moments are put in as they read them there.

The English text is the key; a catalogue may know another one for it, or none. Nothing is looked up
here: who loads catalogues passes in what they say.
"""

from collections.abc import Callable
from datetime import date, datetime

from babel.core import Locale, UnknownLocaleError
from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal

from domain.money import Money, exponent
from domain.telling import zone_of

Translate = Callable[[str], str | None]
ENGLISH = "en"


def mark(words: str) -> str:
    """Mark a sentence that is said elsewhere, so that catalogues know of it."""
    return words


class Words:
    """How one reader is spoken to: `say("We charged {price}.", price=...)`."""

    def __init__(
        self, locale: str = ENGLISH, time_zone: str = "UTC", translate: Translate | None = None
    ) -> None:
        self._locale = locale_of(locale)
        self._zone = time_zone
        self._translate = translate
        self.complete = True
        """Whether everything that was said so far was known in the reader's language."""

    @property
    def language(self) -> str:
        return str(self._locale)

    def afresh(self) -> "Words":
        """Return the same, with nothing said yet."""
        return Words(str(self._locale), self._zone, self._translate)

    def in_english(self) -> "Words":
        """Return English for the same reader, whose clock stays."""
        return Words(ENGLISH, self._zone)

    def __call__(self, words: str, /, **values: object) -> str:
        """Return the sentence with its values in place."""
        known = words
        if self._translate is not None:
            found = self._translate(words)
            self.complete = self.complete and found is not None
            known = found or words
        if not values:
            return known
        return known.format(**{name: self.shown(value) for name, value in values.items()})

    def shown(self, value: object) -> str:
        """Write a value as the reader would."""
        if isinstance(value, Money):
            return self.money(value)
        if isinstance(value, datetime):
            return self.moment(value)
        if isinstance(value, date):
            return self.day(value)
        if isinstance(value, int) and not isinstance(value, bool):
            return str(format_decimal(value, locale=self._locale))
        return str(value)

    def money(self, value: Money) -> str:
        """Write an amount before its currency's code, without cents where there are none."""
        amount, digits = value.decimal(), exponent(value.currency)
        whole = amount == amount.to_integral_value()
        pattern = "#,##0" if whole else "#,##0." + "0" * digits
        return f"{format_decimal(amount, pattern, locale=self._locale)} {value.currency}"

    def day(self, value: date) -> str:
        # The house writes "3 November 2026" in English; each other language as it does.
        shape = "d MMMM yyyy" if self._locale.language == ENGLISH else "long"
        return str(format_date(value, shape, locale=self._locale))

    def moment(self, value: datetime) -> str:
        """Write an instant on the reader's clock, with the place that it goes by."""
        zone = zone_of(self._zone)
        local = value.astimezone(zone)
        # Each language has its own order of the parts; the house's English begins with the day.
        shape = "d MMM yyyy, HH:mm" if self._locale.language == ENGLISH else "medium"
        place = zone.key.rpartition("/")[2].replace("_", " ")
        return f"{format_datetime(local, shape, locale=self._locale)} ({place})"


def locale_of(name: str) -> Locale:
    """Return a locale; English where nobody knows the name."""
    try:
        return Locale.parse(name.replace("-", "_"))
    except (UnknownLocaleError, ValueError, TypeError):
        return Locale.parse(ENGLISH)


IN_ENGLISH = Words()
