"""JSON Schema (2020-12) of the whole language, for editors; made from the same structs."""

from __future__ import annotations

from lakecheck.spec import language
from lakecheck.spec.kinds import declarable, fields_for
from lakecheck.spec.nested_shapes import ListOf
from lakecheck.spec.records import fields_schema, record_of
from lakecheck.spec.shapes import Schema
from lakecheck.spec.sinks import Section, sink_kinds

CATALOGUES = {
    "cric": "CRIC's RSEs, in either of its presets.",
    "rucio": "Rucio's RSEs, as its export_data gives them.",
    "fts_config": "The endpoints of fts-analysis-datalake's configuration.",
}
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema() -> Schema:
    """Give the schema; the kinds and drivers that are installed are in it."""
    kinds = declarable()
    return {
        "$schema": DIALECT,
        "title": "lakecheck spec",
        "description": "Files that end in .lake.yaml.",
        "type": "object",
        "properties": {
            "lakecheck": {"const": language.VERSION, "description": "Version of the language."},
            "include": {
                "description": "Files to read first, relative to this one; globs are taken.",
                "anyOf": [
                    {"type": "string", "minLength": 1},
                    {"type": "array", "items": {"type": "string", "minLength": 1}},
                ],
            },
            "inventory": _inventory(),
            "credentials": _named("#/$defs/credential", "Who we are; none always exists."),
            "tests": _named("#/$defs/test", "What to test, by name."),
            "publish": _sinks("publish", "Where documents go."),
            "consume": _sinks("consume", "Where `lakecheck consume` gets other systems' events."),
        },
        "additionalProperties": False,
        "$defs": {
            "rse": {**record_of(language.RSEEntry).schema(), "minProperties": 1},
            "credential": record_of(language.CredentialEntry).schema(),
            "test": _test(tuple(kinds)),
            **{f"test-{name}": _kind(name) for name in kinds},
        },
    }


def _inventory() -> Schema:
    return {
        "type": "object",
        "description": "The RSEs under test.",
        "properties": {
            "ca": {"type": "string", "description": "CA folder or bundle for every endpoint."},
            **{
                name: {"description": CATALOGUES[name], **record_of(entry).schema()}
                for name, entry in language.CATALOGUES.items()
            },
            "rses": _named("#/$defs/rse", "RSEs by name, beside or over those of catalogues."),
            "except": {
                "description": "RSEs to leave out, by name or glob.",
                **ListOf(language.RSE_GLOB).schema(),
            },
        },
        "additionalProperties": False,
    }


def _sinks(section: Section, description: str) -> Schema:
    return {
        "type": "array",
        "description": description,
        "items": {
            "type": "object",
            "properties": {
                name: {"description": kind.title, **record_of(kind.options).schema()}
                for name, kind in sink_kinds(section).items()
            },
            "additionalProperties": False,
            "minProperties": 1,
            "maxProperties": 1,
        },
    }


def _named(reference: str, description: str) -> Schema:
    return {
        "type": "object",
        "description": description,
        "propertyNames": {"pattern": f"^{language.NAME}$"},
        "additionalProperties": {"$ref": reference},
    }


def _test(kinds: tuple[str, ...]) -> Schema:
    """Each kind has its own keys: `if` rather than `oneOf`, so that editors name the true fault."""
    return {
        "type": "object",
        "required": ["kind"],
        "properties": {"kind": {"enum": list(kinds), "description": "What sort of test."}},
        "allOf": [
            {
                "if": {"properties": {"kind": {"const": name}}, "required": ["kind"]},
                "then": {"$ref": f"#/$defs/test-{name}"},
            }
            for name in kinds
        ],
    }


def _kind(name: str) -> Schema:
    kind = declarable()[name]
    found = fields_schema(fields_for(kind), record_of(kind.options).required)
    found["properties"] = {"kind": {"const": name}, **found["properties"]}
    return {"title": f"{name}: {kind.title}", **found}
