"""JSON Schema (2020-12) of the whole language, for editors; made from the same structs."""

from __future__ import annotations

from lakecheck.model import ServiceKind
from lakecheck.spec import language, services
from lakecheck.spec.kinds import declarable, fields_for
from lakecheck.spec.nested_shapes import ListOf
from lakecheck.spec.records import fields_schema, record_of
from lakecheck.spec.shapes import Schema
from lakecheck.spec.sinks import Section, sink_kinds

CATALOGUES = {
    "cric": "CRIC's RSEs, in either of its presets.",
    "rucio": "Rucio's RSEs: of a server, or as its export_data gave them.",
    "fts_config": "The endpoints of fts-analysis-datalake's configuration.",
}
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema() -> Schema:
    """Give the schema; the kinds and drivers that are installed are in it."""
    kinds, through = declarable(), services.service_kinds()
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
            "services": _named("#/$defs/service", "What tests go through: FTS, Rucio."),
            "tests": _named("#/$defs/test", "What to test, by name."),
            "publish": _sinks("publish", "Where documents go."),
            "consume": _sinks("consume", "Where `lakecheck consume` gets other systems' events."),
        },
        "additionalProperties": False,
        "$defs": {
            "rse": {**record_of(language.RSEEntry).schema(), "minProperties": 1},
            "credential": record_of(language.CredentialEntry).schema(),
            "service": _by_kind(tuple(through), "service"),
            "test": _by_kind(tuple(kinds), "test"),
            **{f"service-{name}": _service(kind) for name, kind in through.items()},
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


def _by_kind(kinds: tuple[str, ...], noun: str) -> Schema:
    """Each kind has its own keys: `if` rather than `oneOf`, so that editors name the true fault."""
    return {
        "type": "object",
        "required": ["kind"],
        "properties": {"kind": {"enum": list(kinds), "description": f"What sort of {noun}."}},
        "allOf": [
            {
                "if": {"properties": {"kind": {"const": name}}, "required": ["kind"]},
                "then": {"$ref": f"#/$defs/{noun}-{name}"},
            }
            for name in kinds
        ],
    }


def _service(kind: ServiceKind) -> Schema:
    found = fields_schema(services.fields_for(kind), services.required_for(kind))
    found["properties"] = {"kind": {"const": kind.name}, **found["properties"]}
    return {"title": f"{kind.name}: {kind.title}", **found}


def _kind(name: str) -> Schema:
    kind = declarable()[name]
    found = fields_schema(fields_for(kind), record_of(kind.options).required)
    found["properties"] = {"kind": {"const": name}, **found["properties"]}
    return {"title": f"{name}: {kind.title}", **found}
