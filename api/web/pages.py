"""How our few pages are made: templates, a strict policy for their content, no script at all."""

from pathlib import Path
from urllib.parse import urlsplit

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from runtime.settings import Settings

HERE = Path(__file__).parent
STATIC = HERE / "static"
_TEMPLATES = Environment(
    loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined
)


def page(settings: Settings, template: str, *, status: int = 200, **values: object) -> HTMLResponse:
    """Render a page with the headers that every page of ours has."""
    html = _TEMPLATES.get_template(template).render(sandbox=settings.any_sandbox, **values)
    return HTMLResponse(
        html, status_code=status, headers={"Content-Security-Policy": _content_policy(settings)}
    )


def _content_policy(settings: Settings) -> str:
    # Browsers hold a form's redirect to the same rule, and ours leads to the bank.
    targets = "'self' https:"
    if settings.any_sandbox:
        address = urlsplit(settings.sandbox_base_url)
        targets += f" {address.scheme}://{address.netloc}"
    return (
        f"default-src 'none'; style-src 'self'; img-src 'self'; form-action {targets};"
        " base-uri 'none'; frame-ancestors 'none'"
    )
