"""What type each field of documents has: stores' mappings and schemas are made of this."""

from __future__ import annotations

from functools import cache
from typing import Literal

from lakecheck import registry
from lakecheck.model import Kind

# `stored` is kept and shown, and not searched; `object` holds fields that stand here too, and
# there may be several of it in one document; below `numbers` stand doubles that others name;
# `nested` is a list of maps, each found by itself.
Type = Literal[
    "keyword",
    "text",
    "long",
    "double",
    "boolean",
    "date",
    "ip",
    "stored",
    "object",
    "numbers",
    "nested",
]

_KEYWORDS = (
    "document",
    "producer",
    "type",
    "run.id",
    "run.trigger",
    "run.url",
    "spec.name",
    "spec.digest",
    "inventory.digest",
    "test",
    "kind",
    "case",
    "check",
    "credential",
    "auth_method",
    "ip",
    "status",
    "severity",
    "blocked_by",
    "downtime",
    "waiver.ticket",
    "error.class",
    "error.side",
    "error.phase",
    "error.host",
    "error.fingerprint",
    "transfer.mode",
    "diagnosis.level",
    "diagnosis.side",
    "service",
    "job.id",
    "job.url",
    "expected.condition",
    "expected.seen",
    "tester.host",
    "tester.version",
)
_PLACES = ("rse", "site", "vo", "experiment", "endpoint", "host", "protocol")
_ENDS = ("", "source.", "destination.")

FIELDS: dict[str, Type] = {
    "@timestamp": "date",
    "timestamp": "date",
    "run.started": "date",
    "waiver.until": "date",
    "version": "long",
    "attempt": "long",
    "size": "long",
    "bytes": "long",
    "files": "long",
    "error.code": "long",
    "duration": "double",
    "throughput": "double",
    "reason": "text",
    "diagnosis.tried": "text",
    "error.message": "text",
    "expected": "object",
    "expected.met": "boolean",
    "repeat": "stored",
    "tester.ip": "ip",
    **dict.fromkeys(_KEYWORDS, "keyword"),
    **dict.fromkeys((end + place for end in _ENDS for place in _PLACES), "keyword"),
}

# Below these stands what people choose: an RSE's attributes, those of a link's two ends.
LABELS = tuple(f"{end}labels" for end in _ENDS)


@cache
def fields() -> dict[str, Type]:
    """All fields by name, with those of every installed kind (`KIND.NAME`)."""
    found: dict[str, Type] = dict(FIELDS)
    for name in registry.names("kinds"):
        kind: Kind = registry.load("kinds", name)
        found.update({field.of(kind.name): field.type for field in kind.fields})
    return found
