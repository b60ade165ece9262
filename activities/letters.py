"""Letters as mail: text and HTML from one template each, the same words in the same order."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from domain.letters import Letter
from domain.words import Words
from runtime.catalogue import direction

TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
_CHOICES = "/account/notices"


@dataclass(frozen=True)
class Written:
    """What goes into the envelope."""

    subject: str
    text: str
    html: str


def write_mail(
    letters: Sequence[Letter], say: Words, *, base_url: str, enclosed: Sequence[str] = ()
) -> Written:
    """Put one letter into a mail, or several that waited for the same hour."""
    first = letters[0]
    if any(letter.language != say.language for letter in letters):
        say = say.in_english()  # what surrounds them speaks as they do
    subject = first.subject
    if len(letters) > 1:
        mark = "[SANDBOX] " if first.sandbox else ""
        subject = mark + say("{number} things to tell you", number=len(letters))
    values = {
        "letters": letters,
        "subject": subject,
        "sandbox": next((letter.sandbox for letter in letters if letter.sandbox), None),
        "several": say("{number} things happened since we last wrote.", number=len(letters)),
        "enclosed": say("Enclosed: {files}.", files=", ".join(enclosed)) if enclosed else None,
        "choices": say("Choose what we write to you about: {address}", address="").strip(),
        "choices_url": base_url + _CHOICES,
        "base_url": base_url,
        "language": say.language,
        "direction": direction(say.language),
    }
    text = TEMPLATES.get_template("letter.txt").render(values)
    html = TEMPLATES.get_template("letter.html").render(values)
    return Written(subject=subject, text=text, html=html)
