"""What is said of a code that does not count, wherever it was typed."""

from datetime import datetime

from api.web.forms import Form, Problems
from api.web.words import span_of
from db.second_factors import CodeAnswer


def code_problems(form: Form, answer: CodeAnswer, now: datetime, *, recovering: bool) -> Problems:
    """Say why a code did not count, beside the field that it was typed in."""
    problems = Problems()
    name = "recovery_code" if recovering else "code"
    if answer.not_before is not None:
        wait = span_of(int((answer.not_before - now).total_seconds()) + 1)
        problems.add(name, f"Too many wrong codes. Wait {wait}, then try again.")
    elif not form.text(name):
        problems.add(name, "Enter the code.")
    elif recovering:
        problems.add(name, "This is not one of your recovery codes, or it was used before.")
    else:
        problems.add(
            name,
            "This code is wrong, or it was used before. Wait for the next one in your app; if none"
            " works, check that the clock of your device is right.",
        )
    return problems


def status_of(answer: CodeAnswer) -> int:
    return 429 if answer.not_before is not None else 422
