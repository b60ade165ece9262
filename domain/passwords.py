"""What a password must be: long, and not what a guesser tries early. No rule about its letters.

Twelve characters, because a password alone never moves money here: that takes a second factor
within minutes. Alone it would be fifteen (NIST SP 800-63B); with the guessing rule below, twelve
keep a stolen hash from being tried through, and people from writing it down.
"""

import unicodedata
from collections.abc import Iterable
from typing import Any

from zxcvbn import zxcvbn
from zxcvbn.matching import RANKED_DICTIONARIES

SHORTEST, LONGEST = 12, 128
# Of zxcvbn's 0 to 4: more than 10^8 guesses, for which our throttling leaves nobody the time.
_LEAST_SCORE = 3
# zxcvbn's work grows with the square of the length; what follows only makes a password better.
_JUDGED = 48
# Less than this beside what others know of somebody is nothing of their own.
_OWN = 8
_BREACHED = RANKED_DICTIONARIES["passwords"]
# What anybody tries first on a site of this name and trade.
_OURS = ("parker", "parkerflight", "parker flight", "flight", "travel", "traveller", "booking")


def normalised(password: str) -> str:
    """Return the password as it is hashed: one form for what keyboards write in several."""
    return unicodedata.normalize("NFKC", password)


def password_problem(password: str, *, email: str = "", own: Iterable[str] = ()) -> str | None:
    """Say in a sentence why a password cannot be taken; None if it can.

    `email` and `own` are what others know of the person; a password made of them is guessed early.
    """
    plain = normalised(password)
    if len(plain) < SHORTEST:
        return f"Use at least {SHORTEST} characters. A few words that do not belong together do."
    if len(plain) > LONGEST:
        return f"Use at most {LONGEST} characters."
    if plain.lower() in _BREACHED:
        return "This password is on lists that thieves try first. Choose another one."
    hints = sorted({*_hints(email), *own, *_OURS} - {""}, key=len, reverse=True)
    if _is_made_of(plain.lower(), hints):
        return "This is made of your address or of our name. Use words that nobody links with you."
    judged: dict[str, Any] = zxcvbn(plain[:_JUDGED], user_inputs=hints)
    if judged["score"] >= _LEAST_SCORE:
        return None
    why = judged["feedback"]["warning"] or "This password is easy to guess."
    return f"{why.rstrip('.')}. Add a word or two that have nothing to do with it or with you."


def _is_made_of(plain: str, hints: Iterable[str]) -> bool:
    rest = plain
    for hint in hints:
        if len(hint) > 3:
            rest = rest.replace(hint, "")
    return rest != plain and len(rest) < _OWN


def _hints(email: str) -> set[str]:
    """Return the parts of an address."""
    name, _, host = email.strip().lower().partition("@")
    parts = {name, host, host.partition(".")[0], email.strip().lower()}
    for mark in "._-+":
        parts |= set(name.split(mark))
    return parts
