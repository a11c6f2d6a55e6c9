"""Shapes made from annotated structs, so that a kind's options need no second description."""

from __future__ import annotations

import types
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
from msgspec import Meta, Struct

from lakecheck import units
from lakecheck.spec.nested_shapes import Anything, Described, ListOf, MapOf, OneOf
from lakecheck.spec.nodes import Node, join, near, quote
from lakecheck.spec.scalar_shapes import DURATION, RATE, SIZE, Choice, Number, Text, Truth
from lakecheck.spec.shapes import INVALID, Context, Schema, Shape

_SIMPLE: dict[Any, Shape] = {
    units.Size: SIZE,
    units.Duration: DURATION,
    units.Rate: RATE,
    str: Text(),
    int: Number("a whole number", whole=True),
    float: Number(),
    bool: Truth(),
    Any: Anything(),
}


class Record(Struct, frozen=True):
    """A map with known keys, decoded to a struct."""

    make: type[Struct]
    fields: Mapping[str, Shape]
    names: Mapping[str, str]  # key: the struct's own name of it
    required: tuple[str, ...] = ()

    @property
    def expected(self) -> str:
        """What to write."""
        return keys(self.fields)

    def accepts(self, node: Node) -> bool:
        """Say whether a node is of this form."""
        return node.kind == "map"

    def decode(self, node: Node, path: str, context: Context) -> Any:
        """Give the value, or INVALID after noting the faults."""
        values = decode_fields(node, self.fields, self.required, path, context)
        return INVALID if values is INVALID else self.build(values, node, path, context)

    def build(self, values: dict[str, Any], node: Node, path: str, context: Context) -> Any:
        """Make the struct of decoded keys; a ValueError that it raises is a fault."""
        try:
            return self.make(**{self.names[key]: value for key, value in values.items()})
        except ValueError as error:
            context.faults.add(node.place, path, str(error))
            return INVALID

    def schema(self) -> Schema:
        """Give the JSON Schema of such values."""
        return fields_schema(self.fields, self.required)


def decode_fields(
    node: Node, fields: Mapping[str, Shape], required: tuple[str, ...], path: str, context: Context
) -> Any:
    """Decode the keys of a map to a dict; INVALID where any is unknown, missing or faulty."""
    if node.kind != "map":
        message = f"expected {keys(fields)}, found {context.found(node)}"
        context.faults.add(node.place, path, message)
        return INVALID
    values: dict[str, Any] = {}
    sound = True
    for key, (place, value) in node.entries.items():
        if key not in fields:
            context.faults.add(place, path, unknown_key(key, fields))
            sound = False
            continue
        values[key] = fields[key].decode(value, join(path, key), context)
        sound = sound and values[key] is not INVALID
    for key in required:
        if key not in node.entries:
            message = f'the key "{key}" is missing; expected {fields[key].expected}'
            context.faults.add(node.place, path, message)
            sound = False
    return values if sound else INVALID


def keys(fields: Iterable[str]) -> str:
    """Say what keys a map has: `a map with the key proxy`."""
    names = list(fields)
    return f"a map with the key{'s' if len(names) > 1 else ''} {', '.join(names)}"


def unknown_key(key: str, known: Mapping[str, Any]) -> str:
    """Say that a key is unknown, with the nearest one or all that there are."""
    if key == "<<":
        return 'YAML 1.2 has no merge key "<<"; repeat the keys, or a whole value with an alias'
    hint = near(key, known)
    listed = f"; known here: {', '.join(known)}" if known and not hint else ""
    return f"unknown key {quote(key)}{hint or listed}"


def fields_schema(fields: Mapping[str, Shape], required: tuple[str, ...] = ()) -> Schema:
    """JSON Schema of a map with known keys."""
    found: Schema = {
        "type": "object",
        "properties": {key: shape.schema() for key, shape in fields.items()},
        "additionalProperties": False,
    }
    return found | ({"required": list(required)} if required else {})


@cache
def record_of(struct: type[Struct]) -> Record:
    """Make the shape of a struct from its annotations."""
    fields = msgspec.structs.fields(struct)
    return Record(
        make=struct,
        fields={field.encode_name: _named(field.encode_name, field.type) for field in fields},
        names={field.encode_name: field.name for field in fields},
        required=tuple(field.encode_name for field in fields if field.required),
    )


def _named(name: str, hint: Any) -> Shape:
    # A kind need not say that its `credentials` and `protocols` are names of such.
    if name in ("credentials", "protocols"):
        return _describe(hint, ListOf(Text(f"a {name[:-1]}", refers=name[:-1])))
    return shape_of(hint)


def _describe(hint: Any, shape: Shape) -> Shape:
    metas = [meta for meta in get_args(hint)[1:] if isinstance(meta, Meta)]
    for meta in metas:
        if meta.description:
            return Described(shape, meta.description)
    return shape


def shape_of(hint: Any) -> Shape:
    """Make the shape of a type: quantities, literals, tuples, maps, unions, structs.

    `Annotated[…, Meta(description=…, extra={"shape": SHAPE})]` describes it, or replaces it.
    """
    if hint in _SIMPLE:
        return _SIMPLE[hint]
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _describe(hint, _annotated(arguments))
    if origin is Literal:
        return Choice(arguments)
    if origin is tuple:
        return ListOf(shape_of(arguments[0]))
    if origin in (dict, Mapping):
        return MapOf(shape_of(arguments[0]), shape_of(arguments[1]))
    if origin in (Union, types.UnionType):
        shapes = tuple(shape_of(each) for each in arguments if each is not types.NoneType)
        return OneOf(shapes) if len(shapes) > 1 else shapes[0]
    if isinstance(hint, type) and issubclass(hint, Struct):
        return record_of(hint)
    raise TypeError(f"{hint} cannot stand in a spec")


def _annotated(arguments: tuple[Any, ...]) -> Shape:
    metas = [meta for meta in arguments[1:] if isinstance(meta, Meta)]
    for meta in metas:
        if meta.extra and "shape" in meta.extra:
            found: Shape = meta.extra["shape"]
            return found
    shape = shape_of(arguments[0])
    least = next((meta.min_length for meta in metas if meta.min_length), 0)
    if least and isinstance(shape, ListOf):
        return ListOf(shape.item, least)
    return shape
