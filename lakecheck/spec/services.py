"""One entry of `services`: the keys that all have, and those of its kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, structs

from lakecheck import registry
from lakecheck.model import ServiceChoice, ServiceKind
from lakecheck.spec import language
from lakecheck.spec.nodes import Faults, Node, describe, join, near, quote
from lakecheck.spec.paths import located
from lakecheck.spec.records import decode_fields, record_of
from lakecheck.spec.scalar_shapes import VARIABLE, Text
from lakecheck.spec.shapes import INVALID, Context, Shape

GROUP = "services"
DIRECT = "direct"  # what `via:` says where no service stands between


class ServiceContent(Struct, frozen=True):
    """What one entry of `services` says: its kind, the common keys, the kind's options."""

    kind: str
    common: language.ServiceEntry
    options: Any


def service_kinds() -> dict[str, ServiceKind]:
    """The kinds of services that a spec may name."""
    return {name: registry.load(GROUP, name) for name in registry.names(GROUP)}


def fields_for(kind: ServiceKind) -> dict[str, Shape]:
    """All keys of a service of a kind but `kind` itself."""
    return {**record_of(language.ServiceEntry).fields, **record_of(kind.options).fields}


def required_for(kind: ServiceKind) -> tuple[str, ...]:
    """Give the keys that a service of a kind must have, but `kind` itself."""
    return (*record_of(language.ServiceEntry).required, *record_of(kind.options).required)


def decode_service(node: Node, path: str, context: Context) -> Any:
    """Decode an entry of `services` to a ServiceContent."""
    kinds = service_kinds()
    listed = ", ".join(kinds)
    if node.kind != "map":
        message = f"expected a map of kind, url and more, found {describe(node)}"
        context.faults.add(node.place, path, message)
        return INVALID
    written = node.get("kind")
    if written is None:
        message = f'the key "kind" is missing; expected one of {listed}'
        context.faults.add(node.place, path, message)
        return INVALID
    if written.value not in kinds:
        found = quote(written.value) if isinstance(written.value, str) else describe(written)
        hint = near(str(written.value), kinds) or "."
        message = f"there is no kind of service {found}{hint} Installed: {listed}"
        context.faults.add(written.place, join(path, "kind"), message)
        return INVALID
    kind = kinds[str(written.value)]
    own = record_of(kind.options)
    fields = {"kind": Text(), **fields_for(kind)}
    values = decode_fields(node, fields, required_for(kind), path, context)
    if values is INVALID:
        return INVALID
    values.pop("kind")
    mine = {key: values.pop(key) for key in list(values) if key in own.fields}
    options = own.build(mine, node, path, context)
    if options is INVALID:
        return INVALID
    return ServiceContent(kind.name, language.ServiceEntry(**values), options)


def check_services(entries: Mapping[str, Any], faults: Faults) -> None:
    """Note services whose names mean something else."""
    for name in (DIRECT, "local", "agents"):
        if name in entries:
            message = f'"{name}" means something else in `via:`; choose another name'
            faults.add(entries[name].place, GROUP, message)


def build_service(name: str, entry: Any, variables: Mapping[str, str]) -> ServiceChoice:
    """Make a service; variables that are not set stay as written."""
    content: ServiceContent = entry.content
    common = content.common

    def filled(text: str) -> str:
        return VARIABLE.sub(lambda match: variables.get(match[1]) or match[0], text)

    told = structs.asdict(content.options).items()
    texts = {key: filled(text) for key, text in told if isinstance(text, str)}
    return ServiceChoice(
        name=name,
        kind=content.kind,
        options=structs.replace(content.options, **texts),
        url=filled(common.url).rstrip("/"),
        credential=common.credential,
        ca=located(entry.folder, common.ca, variables) if common.ca else "",
        origin=str(entry.place),
    )
