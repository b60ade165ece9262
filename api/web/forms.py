"""What was posted: read once, checked for where it comes from, kept to be shown again."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request
from pydantic import ValidationError
from starlette.datastructures import FormData, UploadFile

from api.errors import ApiProblem
from api.web.visits import Visit, VisitDep
from domain.errors import FieldProblem
from runtime.web_tokens import same_text

_MOST_FIELDS = 500
_MOST_FILES = 5
_LONGEST_FIELD = 64 * 1024
TOKEN_FIELD = "form_token"  # noqa: S105 - a name


@dataclass(frozen=True)
class Form:
    """The fields of a form; what is absent is empty."""

    data: FormData

    def text(self, name: str) -> str:
        """Return a field without the space around it."""
        value = self.data.get(name)
        return value.strip() if isinstance(value, str) else ""

    def secret(self, name: str) -> str:
        """Return a field exactly as it was typed."""
        value = self.data.get(name)
        return value if isinstance(value, str) else ""

    def all(self, name: str) -> list[str]:
        values = (one.strip() for one in self.data.getlist(name) if isinstance(one, str))
        return [one for one in values if one]

    def flag(self, name: str) -> bool:
        return bool(self.text(name))

    def file(self, name: str) -> UploadFile | None:
        value = self.data.get(name)
        return value if isinstance(value, UploadFile) and value.filename else None

    def values(self) -> dict[str, str]:
        """Return the last text of each field, to fill the form again."""
        return {k: v for k, v in self.data.multi_items() if isinstance(v, str) and k != TOKEN_FIELD}


async def _posted(request: Request, visit: VisitDep) -> AsyncIterator[Form]:
    """Read the form; refuse one that another site sent, or that is not bound to this visitor."""
    data = await request.form(
        max_files=_MOST_FILES, max_fields=_MOST_FIELDS, max_part_size=_LONGEST_FIELD
    )
    try:
        token = data.get(TOKEN_FIELD)
        if not _from_us(request, visit) or not (
            isinstance(token, str) and same_text(token, visit.form_token)
        ):
            raise ApiProblem(
                403,
                "form_expired",
                "This form was open for too long, or you have signed in or out since. Nothing was"
                " done. Go back, reload the page and send it again.",
            )
        yield Form(data)
    finally:
        # What was uploaded lies in a temporary file.
        await data.close()


FormDep = Annotated[Form, Depends(_posted)]


def _from_us(request: Request, visit: Visit) -> bool:
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("origin")
    # Our pages tell nobody where they lead from: such a form's origin is "null".
    if origin is None or origin == "null":
        return True
    ours = urlsplit(visit.services.settings.base_url)
    return origin in {f"{ours.scheme}://{ours.netloc}", _origin_of(request)}


def _origin_of(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}"


@dataclass
class Problems:
    """What is wrong with a form: shown at its top, each with a link, and beside its field."""

    fields: dict[str, str] = field(default_factory=dict)
    general: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.fields or self.general)

    def add(self, name: str, sentence: str) -> None:
        """Note the first problem of a field."""
        self.fields.setdefault(name, sentence)

    def need(self, form: Form, wanted: Mapping[str, str]) -> None:
        """Note every field that is empty, with the sentence that asks for it."""
        for name, sentence in wanted.items():
            if not form.text(name):
                self.add(name, sentence)

    @classmethod
    def of(cls, error: ApiProblem, names: Mapping[str, str] | None = None) -> "Problems":
        """Turn a refusal into a form's problems; `names` maps its fields to the form's."""
        found = cls()
        found.take(error.errors, names)
        if not error.errors:
            found.general.append(error.detail)
        return found

    def take(
        self, problems: Iterable[FieldProblem], names: Mapping[str, str] | None = None
    ) -> None:
        for problem in problems:
            sentence = sentence_of(problem)
            self.add(_called(problem.field, names or {}), sentence)

    def validation(self, error: ValidationError, names: Mapping[str, str] | None = None) -> None:
        """Note what a model refused, without echoing what was sent."""
        for item in error.errors(include_url=False, include_input=False):
            place = ".".join(str(part) for part in item["loc"])
            reason = str(item["msg"]).removeprefix("Value error, ")
            self.add(_called(place, names or {}), f"{reason[:1].upper()}{reason[1:]}.")

    def summary(self, order: Sequence[str] = ()) -> list[tuple[str, str]]:
        """Return (field, sentence), in the order of the form as far as it is told."""
        places = {name: number for number, name in enumerate(order)}
        return sorted(self.fields.items(), key=lambda item: places.get(item[0], len(places)))


def sentence_of(problem: FieldProblem) -> str:
    """Say a field's problem and its remedy as sentences."""
    parts = [part.strip().rstrip(".") for part in (problem.reason, problem.remedy) if part]
    return " ".join(f"{part[:1].upper()}{part[1:]}." for part in parts if part)


def _called(place: str, names: Mapping[str, str]) -> str:
    """Find the form's name of a field: the longest prefix that has one, else the field itself."""
    parts = place.split(".")
    for end in range(len(parts), 0, -1):
        if (name := names.get(".".join(parts[:end]))) is not None:
            return name
    return place
