from __future__ import annotations

from typing import Any

import jsonschema
import pytest
import yaml

from lakecheck.spec import schema
from tests.spec.test_loader import WHOLE


def content(**changes: Any) -> dict[str, Any]:
    """The whole spec, with sections exchanged."""
    # PyYAML reads YAML 1.1, where NO is false; as a key JSON has it as text anyway.
    found: dict[str, Any] = yaml.load(WHOLE, Loader=yaml.BaseLoader)
    return {**found, "lakecheck": 1, **changes}


def rse(**keys: Any) -> dict[str, Any]:
    return {"rses": {"A": {"endpoints": ["davs://h:1"], **keys}}}


def test_it_is_a_schema_of_2020_12() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())

    assert schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_the_whole_language_fits() -> None:
    jsonschema.validate(content(), schema(), jsonschema.Draft202012Validator)


@pytest.mark.parametrize(
    "changes",
    [
        {"lakecheck": 2},
        {"budget": {}},
        {"include": 5},
        {"inventory": {"rsses": {}}},
        {"inventory": {"rses": {"a b": {"endpoints": ["davs://h:1"]}}}},
        {"inventory": {"rses": {"A": {}}}},
        {"inventory": rse(endpoints=[])},
        {"inventory": rse(endpoints=["davs://h/x"])},
        {"inventory": rse(endpoints=["h:1/x"])},
        {"inventory": rse(checksum="sha1")},
        {"inventory": rse(tpc="pull")},
        {"inventory": rse(attributes={"a": []})},
        {"inventory": rse(attributes={"a b": 1})},
        {"inventory": rse(hosts={"latency": 5})},
        {"inventory": rse(driver="gfal")},
        {"credentials": {"a": {"token": "x"}}},
        {"tests": {"a": {}}},
        {"tests": {"a": {"kind": "functionl"}}},
        {"tests": {"a": {"kind": "python"}}},
        {"tests": {"a": {"kind": "functional", "mesh": "full"}}},
        {"tests": {"a": {"kind": "functional", "sizes": [100]}}},
        {"tests": {"a": {"kind": "functional", "sizes": ["1MBB"]}}},
        {"tests": {"a": {"kind": "functional", "sizes": {"1MB": 15}}}},
        {"tests": {"a": {"kind": "functional", "sizes": {"1": "15m"}}}},
        {"tests": {"a": {"kind": "functional", "timeout": 60}}},
        {"tests": {"a": {"kind": "tpc", "mesh": "star"}}},
        {"tests": {"a": {"kind": "tpc", "mesh": {"centre": "A"}}}},
        {"tests": {"a": {"kind": "tpc", "modes": ["pul"]}}},
    ],
    ids=str,
)
def test_what_does_not_fit(changes: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(content(**changes), schema(), jsonschema.Draft202012Validator)


def test_every_key_of_a_kind_is_described() -> None:
    kinds = {name: part for name, part in schema()["$defs"].items() if name.startswith("test-")}
    bare = [
        f"{name}.{key}"
        for name, part in kinds.items()
        for key, shape in part["properties"].items()
        if key != "kind" and not shape.get("description")
    ]

    assert set(kinds) >= {"test-functional", "test-tpc"}
    assert bare == []
