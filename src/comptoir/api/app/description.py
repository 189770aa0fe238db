"""The description of the API, generated from the code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from comptoir.api.app.shapes import Body, ErrorBody

if TYPE_CHECKING:
    from litestar import Litestar

_ERROR = {
    "description": "A refusal: a stable code, a sentence in the language asked for.",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorBody"}}},
}


def document(app: Litestar) -> dict[str, Any]:
    """What the framework knows of itself, with what it leaves out: closed bodies, and one shape for every error."""
    whole: dict[str, Any] = app.openapi_schema.to_schema()
    schemas: dict[str, Any] = whole.setdefault("components", {}).setdefault("schemas", {})
    _, parts = msgspec.json.schema_components([ErrorBody], ref_template="#/components/schemas/{name}")
    schemas.update(parts)
    closed = {body.__name__ for body in Body.__subclasses__()}
    for name, schema in schemas.items():
        if name in closed:
            schema["additionalProperties"] = False
    for path in whole.get("paths", {}).values():
        for operation in path.values():
            if isinstance(operation, dict) and "responses" in operation:
                operation["responses"].pop("400", None)
                operation["responses"]["default"] = _ERROR
    return whole
