"""One entry of `tests`: the keys that all have, and those of its kind."""

from __future__ import annotations

from typing import Any

import msgspec
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
    if values is INVALID:
        return INVALID
    values.pop("kind")
    options = {key: values.pop(key) for key in list(values) if key in own.fields}
    common = language.TestEntry(**values)
    fitted = _fit(common.expect, kind, node, path, context)
    if any(condition is INVALID for condition in fitted):
        return INVALID
    common = msgspec.structs.replace(common, expect=fitted)
    return TestContent(kind.name, common, own.make(**options))


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


def _fit(
    conditions: tuple[Condition, ...], kind: Kind, node: Node, path: str, context: Context
) -> tuple[Any, ...]:
    """Read conditions again, knowing the kind's fields and checks; INVALID where one is unfit."""
    written = node.get("expect")
    own = tuple(f"{kind.name}.{field.name}" for field in kind.fields)
    fitted: list[Any] = []
    for condition, item in zip(conditions, written.items if written else (), strict=True):
        fitted.append(INVALID)
        try:
            fitted[-1] = parse(condition.text, own)
            for field in fields_of(condition.tree):
                _check_field(field.name, kind, own)
        except ValueError as error:
            here = join(join(path, "expect"), len(fitted) - 1)
            context.faults.add(item.place, here, f"{quote(condition.text)}: {error}")
            fitted[-1] = INVALID
    return tuple(fitted)


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
