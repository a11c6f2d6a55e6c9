"""The index template: what the server makes of each field."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import msgspec

from lakecheck import __version__
from lakecheck.documents.mapping import LABELS, Type, fields
from lakecheck.sinks.opensearch import Options

FAMILIES = ("rucio", "fts", "probe", "junit")  # of fields that nobody can announce
PRIORITY = 200  # above what servers bring themselves
MOST_FIELDS = 2000
LONGEST = 1024  # characters of a word that can still be found
_WORD = {"type": "keyword", "ignore_above": LONGEST}
_TYPES: dict[Type, dict[str, Any]] = {
    "keyword": _WORD,
    "text": {"type": "text", "fields": {"keyword": _WORD}},
    "long": {"type": "long"},
    "double": {"type": "double"},
    "boolean": {"type": "boolean"},
    "date": {"type": "date"},
    "ip": {"type": "ip", "ignore_malformed": True},
    "stored": {"type": "keyword", "index": False, "doc_values": False},
    "object": {"type": "object"},
    "numbers": {"type": "object"},
    "nested": {"type": "nested"},
}
# Numbers and words that nobody announced: one that does not fit the first of its name is kept,
# and only not found.
_NUMBER = {"type": "double", "ignore_malformed": True}


def number_of(version: str) -> int:
    """Give a version as the whole number that templates have: 0.1.0 is 1000."""
    parts = [int(part) for part in re.findall(r"[0-9]+", version)[:3]]
    major, minor, patch = parts + [0] * (3 - len(parts))
    return major * 10**6 + minor * 10**3 + patch


def pattern(options: Options) -> str:
    """Give the names that the template is for: never those of `INDEX-something-else-…`."""
    return options.index if options.data_stream else f"{options.index}-2*"


def template(options: Options, elastic: bool, policy: str = "") -> dict[str, Any]:
    """Make the template; `policy` is the lifecycle that Elasticsearch's indices shall follow."""
    settings: dict[str, Any] = {
        "number_of_shards": options.shards,
        "mapping.total_fields.limit": MOST_FIELDS,
    }
    if options.replicas is not None:
        settings["number_of_replicas"] = options.replicas
    if policy:
        settings["lifecycle.name"] = policy
    mappings = {
        "date_detection": False,
        "numeric_detection": False,
        "dynamic_templates": _dynamic(elastic),
        "properties": properties(elastic),
    }
    made: dict[str, Any] = {
        "index_patterns": [pattern(options)],
        "priority": PRIORITY,
        "version": number_of(__version__),
        "template": {"settings": {"index": settings}, "mappings": mappings},
    }
    if options.data_stream:
        made["data_stream"] = {}
    digest = hashlib.sha256(msgspec.json.encode(made, order="sorted")).hexdigest()[:16]
    return made | {"_meta": {"lakecheck": __version__, "digest": digest}}


def properties(elastic: bool) -> dict[str, Any]:
    """Nest all fields as the server wants it."""
    tree: dict[str, Any] = {}
    for name, kind in fields().items():
        _put(tree, name, dict(_TYPES[kind]))
    # One stray text of such a name would else make a field of it, and refuse all real ones.
    for name in FAMILIES:
        _put(tree, name, {"type": "object"})
    for name in LABELS:
        # OpenSearch's flat_object refuses documents in which names have dots, as ours have.
        _put(tree, name, {"type": "flattened" if elastic else "object"})
    return tree


def _put(tree: dict[str, Any], name: str, leaf: dict[str, Any]) -> None:
    *above, last = name.split(".")
    for part in above:
        tree = tree.setdefault(part, {}).setdefault("properties", {})
    tree.setdefault(last, {}).update(leaf)


def _dynamic(elastic: bool) -> list[dict[str, Any]]:
    labels = [] if elastic else [f"{name}.*" for name in LABELS]
    numbers = [f"{name}.*" for name, kind in fields().items() if kind == "numbers"]
    return [
        *({f"of {path}": {"path_match": path, "mapping": _NUMBER}} for path in numbers),
        *({f"of {path}": {"path_match": path, "mapping": _WORD}} for path in labels),
        {"words": {"match_mapping_type": "string", "mapping": _WORD}},
        {"truths": {"match_mapping_type": "boolean", "mapping": _WORD}},
        {"counts": {"match_mapping_type": "long", "mapping": _NUMBER}},
        {"numbers": {"match_mapping_type": "double", "mapping": _NUMBER}},
    ]
