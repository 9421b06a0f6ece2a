"""The OpenAPI description, made from the declarations that check each request."""

import re
from functools import cache
from importlib.metadata import version
from typing import Any

from aiohttp import web
from pydantic import TypeAdapter

from server.auth.rights import Right
from server.http.endpoint import ENDPOINTS, Call, Endpoint, endpoint

PATH_PARAMETER = re.compile(r"\{(\w+)(?::(?:[^{}]|\{[^{}]*\})*)?\}")


@cache
def describe() -> dict[str, Any]:
    """OpenAPI 3.1 of every declared endpoint."""
    schemas: dict[str, Any] = {
        "Error": {
            "type": "object",
            "properties": {
                "error": {
                    "type": "object",
                    "required": ["code", "message"],
                    "properties": {
                        "code": {"type": "string"},
                        "message": {"type": "string"},
                        "retry_after": {"type": "number", "description": "Seconds"},
                        "field": {"type": "string", "description": "The field of the input that is meant"},
                    },
                }
            },
        }
    }
    paths: dict[str, Any] = {}
    for item in ENDPOINTS:
        path = PATH_PARAMETER.sub(r"{\1}", item.path)
        paths.setdefault(path, {})[item.method.lower()] = _operation(item, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Minsheng 民声", "version": version("minsheng")},
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "cookie": {"type": "apiKey", "in": "cookie", "name": "minsheng_session"},
                "bearer": {"type": "http", "scheme": "bearer"},
            },
        },
    }


def _operation(item: Endpoint, schemas: dict[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": item.summary,
        "x-right": item.right.value,
        "responses": {
            str(item.status): {"description": "Done"},
            "default": {
                "description": "A refusal",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
            },
        },
    }
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in PATH_PARAMETER.findall(item.path)
    ]
    if item.query is not None:
        schema = item.query.model_json_schema()
        parameters += [
            {"name": name, "in": "query", "required": name in schema.get("required", ()), "schema": part}
            for name, part in schema["properties"].items()
        ]
    if parameters:
        operation["parameters"] = parameters
    if item.right is not Right.PUBLIC:
        operation["security"] = [{"cookie": []}, {"bearer": []}]
    if item.body is not None:
        schema = _hoist(item.body.json_schema(ref_template="#/components/schemas/{model}"), schemas)
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    if item.answer is not None:
        schema = _hoist(
            TypeAdapter(item.answer).json_schema(mode="serialization", ref_template="#/components/schemas/{model}"),
            schemas,
        )
        schemas[item.answer.__name__] = schema
        operation["responses"][str(item.status)]["content"] = {
            "application/json": {"schema": {"$ref": f"#/components/schemas/{item.answer.__name__}"}}
        }
    return operation


def _hoist(schema: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    schemas.update(schema.pop("$defs", {}))
    return schema


@endpoint("GET", "/api/v1/openapi.json", right=Right.PUBLIC, summary="This description")
async def show(call: Call[None]) -> web.Response:
    return web.json_response(describe())
