"""The description reads as a manual: everything in it is described, and every example is one that holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from fastapi.routing import APIRoute, iter_route_contexts

from api import openapi
from api.main import create_api
from api.schemas.insights import Question
from lib.errors import StoreUnavailable
from lib.settings import Settings
from lib.store.engine import Store

Json = dict[str, Any]


def nowhere() -> Store:
    raise StoreUnavailable("There is no store here.")


API = create_api(nowhere, settings=Settings(_env_file=None))
DESCRIPTION = openapi.description_of(API, "/api/v1")
SCHEMAS: Json = DESCRIPTION["components"]["schemas"]
OPERATIONS = {
    f"{method.upper()} {path}": found for path, item in DESCRIPTION["paths"].items() for method, found in item.items()
}
FIELDS = {
    f"{name}.{key}": found for name, schema in SCHEMAS.items() for key, found in schema.get("properties", {}).items()
}


def holds(value: Any, schema: Json) -> bool:
    """Whether ``value`` is what ``schema`` of the description says."""
    whole = {**schema, "components": DESCRIPTION["components"]}
    return bool(jsonschema_rs.Draft202012Validator(whole, validate_formats=True).is_valid(value))


def is_of_described_things(schema: Json) -> bool:
    """Whether the thing's own schema has the examples."""
    options = [each for each in schema.get("anyOf", [schema]) if each != {"type": "null"}]
    return all("$ref" in each.get("items", each) for each in options)


@pytest.mark.parametrize("name", OPERATIONS)
def test_operations(name: str) -> None:
    operation = OPERATIONS[name]
    assert operation["summary"] != operation["description"]
    assert len(operation["description"]) > 10
    assert operation["tags"][0] in [tag["name"] for tag in openapi.TAGS]
    assert operation["operationId"].replace("_", "").isalpha()
    for status, answer in operation["responses"].items():
        assert answer["description"] not in ("", "Successful Response"), (name, status)
        for media, content in answer.get("content", {}).items():
            examples = [content["example"]] if "example" in content else []
            assert examples or status.startswith("2"), (name, status)
            if "json" in media:
                assert content["schema"], (name, status)
                assert all(holds(example, content["schema"]) for example in examples), (name, status)
        for header in answer.get("headers", {}).values():
            assert header["description"]


def test_every_operation_has_a_name_of_its_own() -> None:
    names = [operation["operationId"] for operation in OPERATIONS.values()]
    assert len(set(names)) == len(names)


def test_every_route_is_described() -> None:
    routes = [context.original_route for context in iter_route_contexts(API.routes)]
    served = {
        f"{method} {route.path}"
        for route in routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
        if route.path != "/openapi.json"
    }
    assert served == set(OPERATIONS)


@pytest.mark.parametrize("name", OPERATIONS)
def test_parameters(name: str) -> None:
    for parameter in OPERATIONS[name].get("parameters", []):
        schema = parameter["schema"]
        assert parameter.get("description") or schema.get("description"), parameter["name"]
        examples = schema.get("examples", [])
        assert examples, parameter["name"]
        assert all(holds(example, schema) for example in examples), parameter["name"]


@pytest.mark.parametrize("name", OPERATIONS)
def test_bodies(name: str) -> None:
    for content in OPERATIONS[name].get("requestBody", {}).get("content", {}).values():
        schema = content["schema"]
        if "$ref" not in schema:
            assert all(each["description"] and each["examples"] for each in schema["properties"].values())


@pytest.mark.parametrize("name", SCHEMAS)
def test_things(name: str) -> None:
    assert SCHEMAS[name]["description"].strip()
    assert all(
        holds(example, {"$ref": f"#/components/schemas/{name}"}) for example in SCHEMAS[name].get("examples", [])
    )


@pytest.mark.parametrize("name", FIELDS)
def test_fields(name: str) -> None:
    schema = FIELDS[name]
    assert schema.get("description"), name
    examples = schema.get("examples", [])
    assert examples or is_of_described_things(schema), name
    assert all(holds(example, schema) for example in examples), name


def examples_of_questions() -> Iterator[Json]:
    yield from SCHEMAS["Question"]["examples"]


def test_the_questions_that_are_shown_can_be_asked() -> None:
    questions = [Question.model_validate(example).read() for example in examples_of_questions()]
    assert questions[0].filters[0].name == "campaign"


@pytest.mark.parametrize("word", ["Authorization: Bearer", "/live?run=ID", "4401", "text/csv", "per_page", "currency"])
def test_the_introduction_says_how_to_begin(word: str) -> None:
    assert word in DESCRIPTION["info"]["description"]
