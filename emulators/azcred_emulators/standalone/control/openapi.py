"""The OpenAPI document of the control API, made from the table of operations."""

import re
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from azcred_emulators.directory.serialization import schema
from azcred_emulators.standalone.control.operation import Operation

_ERROR = {"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}}
_VALUE = re.compile("<([a-z]+)>")
_ERRORS = {
    "400": "The request does not have this form",
    "401": "Another machine without the key",
    "403": "A page of another origin",
    "404": "There is nothing of this name",
    "408": "What was waited for has not come",
    "409": "There is one of this name already",
    "413": "The body is too large",
    "415": "The body is not JSON",
    "422": "The assertion does not hold",
    "429": "There are too many sessions",
}


def document(operations: Iterable[Operation]) -> dict[str, Any]:
    """Return the document, in version 3.0 of OpenAPI, which more tools read than newer ones."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        path = "/azcred" + _VALUE.sub(r"{\1}", operation.rule)
        paths.setdefault(path, {})[operation.method.lower()] = _describe(operation)
    return {
        "openapi": "3.0.3",
        "info": {"title": "azcred", "version": _version(), "description": "Controls emulators of Azure's identity."},
        "paths": paths,
        "components": {"securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}},
        "security": [{}, {"key": []}],
    }


def _describe(operation: Operation) -> dict[str, Any]:
    answer = {"type": "string"} if operation.media_type != "application/json" else {"type": "object"}
    description: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "responses": {
            str(operation.status): {
                "description": "Done",
                "content": {operation.media_type: {"schema": answer}},
            },
            **{
                status: {"description": text, "content": {"application/json": {"schema": _ERROR}}}
                for status, text in _ERRORS.items()
            },
        },
    }
    parameters = [_parameter("path", name, "string") for name in _VALUE.findall(operation.rule)]
    parameters += [_parameter("query", name, kind) for name, kind in operation.query.items()]
    if parameters:
        description["parameters"] = parameters
    if operation.body is not None:
        body = operation.body if isinstance(operation.body, Mapping) else schema(operation.body)
        description["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    return description


def _parameter(place: str, name: str, kind: str) -> dict[str, Any]:
    bounds = {"minimum": 0, "maximum": 999_999_999} if kind == "integer" else {"minLength": 1}
    return {"in": place, "name": name, "required": place == "path", "schema": {"type": kind, **bounds}}


def _version() -> str:
    try:
        return version("pytest-azcred")
    except PackageNotFoundError:
        return "unknown"
