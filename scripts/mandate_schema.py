"""Write docs/mandate.schema.json from the form of documents: `python scripts/mandate_schema.py`."""

import json
from pathlib import Path
from typing import Any

from domain.mandate_document import MandateDocument

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "mandate.schema.json"


def schema() -> dict[str, Any]:
    """Return the schema as it should be published."""
    made = MandateDocument.model_json_schema() | {"title": "Parker Flight mandate"}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made}


if __name__ == "__main__":
    DOCUMENT.write_text(json.dumps(schema(), indent=2) + "\n")
    print(DOCUMENT)
