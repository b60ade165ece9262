"""Documents of travellers: added, replaced, forgotten; and scans, which are sealed and never shown.

A scan leaves only as a download: whatever it holds is not opened in the place of our pages.
"""

from urllib.parse import quote
from uuid import UUID, uuid4

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from api.errors import not_found
from api.traveler_desk import MOST_DOCUMENTS, TravelerRead, keep_document
from api.web.forms import Form, FormDep, Problems
from api.web.pages import redirect, render
from api.web.traveler_forms import read_document
from api.web.travelers import PATH, own_traveler, traveler_page
from api.web.views.travelers import DOCUMENT_KINDS, country_choices
from api.web.visits import SignedInDep, Visit
from db.models.traveler_file import TravelerFileRow
from db.queries.traveler_files import add_file, count_files, delete_file, get_file
from db.queries.travelers import delete_document, list_documents
from domain.files import FileKind, kind_of, safe_name
from domain.ids import derive
from providers.errors import ProviderUnavailable
from providers.ports import FileInfected

router = APIRouter(prefix="/travelers/{traveler_id}", tags=["pages"], include_in_schema=False)
_EMPTY = {"kind": "passport", "number": "", "issuing_country": "", "expires_on": ""}


@router.get("/documents/new")
async def show_new_document(visit: SignedInDep, traveler_id: UUID) -> HTMLResponse:
    return _page(visit, await own_traveler(visit, traveler_id), _EMPTY)


@router.post("/documents/new")
async def submit_document(visit: SignedInDep, traveler_id: UUID, form: FormDep) -> Response:
    """Keep a document; sending the form twice keeps it once."""
    return await _keep(visit, traveler_id, form)


@router.get("/documents/{document_id}/replace")
async def show_replacement(
    visit: SignedInDep, traveler_id: UUID, document_id: UUID
) -> HTMLResponse:
    """Ask for the new document; what it replaces is forgotten when that is kept."""
    found = await own_traveler(visit, traveler_id)
    old = _document(found, document_id)
    values = _EMPTY | {"kind": old[0], "issuing_country": old[1]}
    return _page(visit, found, values, instead_of=document_id)


@router.post("/documents/{document_id}/replace")
async def submit_replacement(
    visit: SignedInDep, traveler_id: UUID, document_id: UUID, form: FormDep
) -> Response:
    return await _keep(visit, traveler_id, form, instead_of=document_id)


@router.post("/documents/{document_id}/delete")
async def submit_delete_document(
    visit: SignedInDep, traveler_id: UUID, document_id: UUID, form: FormDep
) -> Response:
    del form
    await own_traveler(visit, traveler_id)
    async with visit.transaction() as session:
        gone = await delete_document(session, traveler_id, document_id)
    if not gone:
        raise not_found("document")
    return redirect(f"{PATH}/{traveler_id}", say="The document is forgotten.")


@router.post("/files")
async def submit_file(visit: SignedInDep, traveler_id: UUID, form: FormDep) -> Response:
    """Take a scan: looked at for what it is, checked, and sealed before it is written anywhere."""
    await own_traveler(visit, traveler_id)
    problems = Problems()
    upload = form.file("scan")
    content = await upload.read() if upload else b""
    kind = kind_of(content)
    limits = visit.services.settings.documents
    if not content:
        problems.add("scan", "Choose a file.")
    elif len(content) > limits.largest_bytes:
        problems.add("scan", f"It is larger than {limits.largest_kib // 1024} MB.")
    elif kind is None:
        problems.add("scan", "It is neither a picture (JPEG, PNG, HEIC) nor a PDF.")
    if problems or kind is None:
        return await traveler_page(visit, traveler_id, problems=problems, status=422)
    scanned_by = await _scanned(visit, content, problems)
    if problems:
        status = 503 if problems.general else 422
        return await traveler_page(visit, traveler_id, problems=problems, status=status)
    claimed = (upload.filename if upload else None) or "document"
    if not await _keep_file(visit, traveler_id, content, kind, claimed, scanned_by):
        problems.add("scan", f"At most {limits.most_files} scans are kept; remove one first.")
        return await traveler_page(visit, traveler_id, problems=problems, status=409)
    return redirect(f"{PATH}/{traveler_id}", say="The scan is kept, sealed with a key of its own.")


@router.get("/files/{file_id}")
async def download_file(visit: SignedInDep, traveler_id: UUID, file_id: UUID) -> Response:
    """Give a scan back as it was, as a download."""
    async with visit.transaction() as session:
        row = await _own_file(visit, traveler_id, file_id, session)
        content = await visit.services.vault.open_file(session, row)
        name = await visit.services.vault.open_file_name(session, row)
    return Response(
        content,
        # Never its own type: a browser must not open it where our pages are.
        media_type="application/octet-stream",
        headers={
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
            "Content-Security-Policy": "default-src 'none'; sandbox",
        },
    )


@router.post("/files/{file_id}/delete")
async def submit_delete_file(
    visit: SignedInDep, traveler_id: UUID, file_id: UUID, form: FormDep
) -> Response:
    del form
    async with visit.transaction() as session:
        await delete_file(session, await _own_file(visit, traveler_id, file_id, session))
    return redirect(f"{PATH}/{traveler_id}", say="The scan is forgotten.")


async def _keep(
    visit: Visit, traveler_id: UUID, form: Form, *, instead_of: UUID | None = None
) -> Response:
    found, problems = await own_traveler(visit, traveler_id), Problems()
    if instead_of is not None:
        _document(found, instead_of)
    document = read_document(form, found.details, visit.now.date(), problems)
    if document is None:
        values = _EMPTY | form.values()
        return _page(visit, found, values, problems=problems, instead_of=instead_of)
    document_id = derive("document", traveler_id, form.text("key") or str(uuid4()))
    async with visit.transaction() as session:
        known = await list_documents(session, traveler_id)
        if len(known) >= MOST_DOCUMENTS and instead_of is None:
            problems.general.append(f"At most {MOST_DOCUMENTS} documents; remove one first.")
            return _page(visit, found, _EMPTY | form.values(), problems=problems)
        if document_id not in {one.id for one in known}:
            await keep_document(
                session, visit.services, found.row, document,
                document_id=document_id, now=visit.now, instead_of=instead_of,
            )  # fmt: skip
    return redirect(f"{PATH}/{traveler_id}", say="The document is kept.")


async def _scanned(visit: Visit, content: bytes, problems: Problems) -> str | None:
    """Have the file checked; return by whom, or None where nobody checks files here."""
    scanner = visit.services.scanner
    if scanner is None:
        return None
    try:
        verdict = await scanner.scan(content)
    except ProviderUnavailable:
        problems.general.append(
            "The file could not be checked for viruses just now, so it was not kept. Try again in a"
            " few minutes."
        )
        return None
    if isinstance(verdict, FileInfected):
        problems.add("scan", "The virus scanner found something harmful in it. It was not kept.")
    return scanner.name


async def _keep_file(  # noqa: PLR0917 - a file and what is known of it
    visit: Visit,
    traveler_id: UUID,
    content: bytes,
    kind: FileKind,
    claimed: str,
    scanned_by: str | None,
) -> bool:
    row = TravelerFileRow(
        id=uuid4(),
        traveler_id=traveler_id,
        user_id=visit.user_id,
        name_encrypted="",
        content_encrypted=b"",
        media_type=kind.value,
        size=len(content),
        scanned_by=scanned_by,
        scanned_at=visit.now if scanned_by else None,
        created_at=visit.now,
    )
    async with visit.transaction() as session:
        most = visit.services.settings.documents.most_files
        if await count_files(session, traveler_id) >= most:
            return False
        name = safe_name(claimed, kind)
        await visit.services.vault.seal_file(session, row, name, content)
        await add_file(session, row)
    return True


async def _own_file(
    visit: Visit, traveler_id: UUID, file_id: UUID, session: AsyncSession
) -> TravelerFileRow:
    row = await get_file(session, traveler_id, file_id)
    if row is None or row.user_id != visit.user_id:
        raise not_found("scan")
    return row


def _document(found: TravelerRead, document_id: UUID) -> tuple[str, str]:
    """Return kind and country of a traveller's document."""
    for row, document in zip(found.documents, found.details.documents, strict=True):
        if row.id == document_id:
            return document.kind, document.issuing_country
    raise not_found("document")


def _page(
    visit: Visit,
    found: TravelerRead,
    values: dict[str, str],
    *,
    problems: Problems | None = None,
    instead_of: UUID | None = None,
) -> HTMLResponse:
    return render(
        visit,
        "travelers/document.html",
        status=422 if problems else 200,
        traveler=found.row,
        values=values,
        problems=problems,
        kinds=DOCUMENT_KINDS,
        countries=country_choices(),
        instead_of=instead_of,
        key=values.get("key") or str(uuid4()),
    )
