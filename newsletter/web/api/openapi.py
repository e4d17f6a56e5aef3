"""The API as an OpenAPI 3.1 description, and as a page for people."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from newsletter import __version__
from newsletter.web.api.operations import Field, Operation

_KINDS: dict[type, dict[str, Any]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    list: {"type": "array", "items": {"type": "string"}},
}
_ERROR = {
    "type": "object",
    "required": ["ok", "error"],
    "properties": {
        "ok": {"const": False},
        "error": {
            "type": "object",
            "required": ["code", "message", "hint"],
            "properties": {key: {"type": "string"} for key in ("code", "message", "hint")},
        },
    },
}
_DONE = {"type": "object", "required": ["ok", "data"], "properties": {"ok": {"const": True}, "data": {}}}


def describe(operations: Sequence[Operation], url: str, name: str) -> dict[str, Any]:
    """The OpenAPI description (spec.openapis.org/oas/v3.1.0) of the operations at `url`."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _described(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": f"{name}: API", "version": __version__},
        "servers": [{"url": url}],
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
            "schemas": {"Error": _ERROR, "Done": _DONE},
        },
    }


def page(operations: Sequence[Operation], name: str) -> str:
    """The operations as a page without scripts."""
    rows = []
    for operation in operations:
        given = "".join(
            f"<li><code>{field.name}</code>{'' if field.required else ' (optional)'}: {escape(field.meaning)}</li>"
            for field in operation.given
        )
        title = f"<code>{operation.method} /api/v1{escape(operation.path)}</code>"
        rows.append(f"<h2>{title}</h2><p>{escape(operation.summary)}</p>" + (f"<ul>{given}</ul>" if given else ""))
    return (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{escape(name)}: API</title>'
        '<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">'
        "<style>body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem}"
        "h2{font-size:1rem;margin-top:2rem}</style></head><body><main>"
        f"<h1>{escape(name)}: API</h1><p>Each call carries <code>Authorization: Bearer KEY</code>; bodies are JSON. "
        'The same for programs: <a href="openapi.json">openapi.json</a>.</p>'
        f"{''.join(rows)}</main></body></html>\n"
    )


def _described(operation: Operation) -> dict[str, Any]:
    outside = [field for field in operation.given if operation.method == "GET" or field.name in operation.in_path]
    body = [field for field in operation.given if field not in outside]
    answer = {"description": "Done.", "content": _json("#/components/schemas/Done")}
    fault = {"description": "Not done; the error says why.", "content": _json("#/components/schemas/Error")}
    found: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "parameters": [_parameter(field, operation) for field in outside],
        "responses": {"200": answer, "default": fault},
    }
    if body:
        schema = {"type": "object", "properties": {field.name: _schema(field) for field in body}}
        required = [field.name for field in body if field.required]
        content = {"application/json": {"schema": schema | {"required": required}}}
        found["requestBody"] = {"required": bool(required), "content": content}
    return found


def _parameter(field: Field, operation: Operation) -> dict[str, Any]:
    inside = field.name in operation.in_path
    place = "path" if inside else "query"
    return {"name": field.name, "in": place, "required": inside or field.required, "schema": _schema(field)}


def _schema(field: Field) -> dict[str, Any]:
    return _KINDS[field.kind] | {"description": field.meaning}


def _json(reference: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": reference}}}
