"""Every field that documents have has a type, and the types agree with each other."""

from __future__ import annotations

import re
from pathlib import Path

from lakecheck import registry
from lakecheck.conditions.fields import FIELDS as CONDITIONS
from lakecheck.documents.mapping import FIELDS, LABELS, fields
from lakecheck.model import Kind
from lakecheck.sinks.search_template import _dynamic

PAGE = Path(__file__).resolve().parents[2] / "docs/documents.md"
# Of other tools' documents, or maps that are named as a whole.
NOT_OURS = {"_id", "expected"}


def test_what_conditions_name_has_a_type_that_fits() -> None:
    numbers = ("size", "duration", "rate", "number")
    for name, dimension in CONDITIONS.items():
        found = FIELDS[name]
        assert (found in ("long", "double")) == (dimension in numbers), name


def test_every_field_of_the_page_has_a_type() -> None:
    table = PAGE.read_text().split("\n\nFields that do not apply")[0]
    names = {
        name
        for row in table.splitlines()
        if row.startswith("| `")
        for name in re.findall(r"`([@a-z_.]+)`", row.split("|")[1])
    }
    assert len(names) > 50
    assert names - NOT_OURS - set(fields()) == set()


def test_kinds_bring_their_own() -> None:
    kind: Kind = registry.load("kinds", "functional")
    assert {
        f"functional.{each.name}": each.type for each in kind.fields
    }.items() <= fields().items()


def test_a_leaf_is_never_a_parent() -> None:
    for name, kind in {**fields(), **dict.fromkeys(LABELS, "labels")}.items():
        below = [other for other in fields() if other.startswith(f"{name}.")]
        assert not below or kind == "object", name


def test_numbers_that_others_name_stand_below_a_field_of_their_own() -> None:
    assert fields()["command.perfdata"] == "numbers"
    for elastic in (True, False):
        rules = {name: rule for each in _dynamic(elastic) for name, rule in each.items()}
        assert rules["of command.perfdata.*"] == {
            "path_match": "command.perfdata.*",
            "mapping": {"type": "double", "ignore_malformed": True},
        }
