"""One entry of `tests`: the keys that all have, and those of its kind."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from lakecheck import registry
from lakecheck.conditions import fields_of, parse
from lakecheck.conditions.fields import FIELDS, is_known, step_of
from lakecheck.model import Condition, Kind
from lakecheck.spec import language
from lakecheck.spec.nodes import Node, describe, join, near, quote
from lakecheck.spec.records import decode_fields, record_of
from lakecheck.spec.scalar_shapes import Text
from lakecheck.spec.shapes import INVALID, Context, Shape


class TestContent(Struct, frozen=True):
    """What one entry of `tests` says: its kind, the common keys, the kind's options."""

    kind: str
    common: language.TestEntry
    options: Any
    expect: tuple[Condition, ...] = ()

    __test__ = False


def declarable() -> dict[str, Kind]:
    """The kinds that a spec may name."""
    kinds: dict[str, Kind] = {
        name: registry.load("kinds", name) for name in registry.names("kinds")
    }
    return {name: kind for name, kind in kinds.items() if kind.declarable}


def fields_for(kind: Kind) -> dict[str, Shape]:
    """All keys of a test of a kind but `kind` itself."""
    return {**record_of(language.TestEntry).fields, **record_of(kind.options).fields}


def decode_test(node: Node, path: str, context: Context) -> Any:
    """Decode an entry of `tests` to a TestContent."""
    if node.kind != "map":
        message = f"expected a map of kind and its keys, found {describe(node)}"
        context.faults.add(node.place, path, message)
        return INVALID
    kind = _kind(node, path, context)
    if kind is None:
        return INVALID
    own = record_of(kind.options)
    fields = {"kind": Text(), **fields_for(kind)}
    values = decode_fields(node, fields, own.required, path, context)
    expect = _conditions(node.get("expect"), kind, join(path, "expect"), context)
    if values is INVALID or expect is INVALID:
        return INVALID
    values.pop("kind")
    values.pop("expect", None)  # as text; what counts is what it was parsed to
    written = {key: values.pop(key) for key in list(values) if key in own.fields}
    options = own.build(written, node, path, context)
    if options is INVALID:
        return INVALID
    return TestContent(kind.name, language.TestEntry(**values), options, expect)


def _kind(node: Node, path: str, context: Context) -> Kind | None:
    kinds = declarable()
    written = node.get("kind")
    listed = ", ".join(kinds)
    if written is None:
        message = f'the key "kind" is missing; expected one of {listed}'
        context.faults.add(node.place, path, message)
    elif not isinstance(written.value, str):
        message = f"expected one of {listed}, found {describe(written)}"
        context.faults.add(written.place, join(path, "kind"), message)
    elif written.value not in kinds:
        hint = near(written.value, kinds) or "."
        message = f"there is no kind {quote(written.value)}{hint} Installed: {listed}"
        context.faults.add(written.place, join(path, "kind"), message)
    else:
        return kinds[written.value]
    return None


def _conditions(node: Node | None, kind: Kind, path: str, context: Context) -> Any:
    """Parse conditions, knowing the kind's fields and checks; other faults are noted already."""
    own = tuple(
        field.of(kind.name) + ("." if field.type == "numbers" else "") for field in kind.fields
    )
    parsed: list[Condition] = []
    sound = True
    for number, item in enumerate(node.items if node else ()):
        if not isinstance(item.value, str):
            continue
        try:
            condition = parse(item.value, own)
            for field in fields_of(condition.tree):
                _check_field(field.name, kind, own)
        except ValueError as error:
            message = f"{quote(item.value)} is not a condition: {error}"
            context.faults.add(item.place, join(path, number), message)
            sound = False
        else:
            parsed.append(condition)
    return tuple(parsed) if sound else INVALID


def _check_field(name: str, kind: Kind, own: tuple[str, ...]) -> None:
    if is_known(name, own):
        return
    steps = [step.name for step in kind.steps]
    step = step_of(name, own)
    if not step:
        known = [*FIELDS, *own, *(f"{step}.{field}" for step in steps for field in FIELDS)]
        raise ValueError(f"documents have no field {quote(name)}{near(name, known)}")
    if step not in steps:
        hint = near(step, steps) or f"; it has {', '.join(steps)}"
        raise ValueError(f"{kind.name} has no check {quote(step)}{hint}")
