"""Catalogues' entries → Sources: paths, services and credentials found, variables filled in."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import structs

from lakecheck.errors import UsageError
from lakecheck.model import NOBODY, Credential, ServiceChoice
from lakecheck.spec import language
from lakecheck.spec.addresses import is_url
from lakecheck.spec.build import build_credential
from lakecheck.spec.catalogues import SERVER, Source
from lakecheck.spec.kinds import TestContent
from lakecheck.spec.nodes import Faults, join, near, quote
from lakecheck.spec.operands import Operand, find
from lakecheck.spec.scalar_shapes import VARIABLE
from lakecheck.spec.sections import Entry, Sections
from lakecheck.spec.services import ServiceContent, build_service, service_kinds

Variables = Mapping[str, str]


def sources_of(sections: Sections, variables: Variables) -> tuple[Source, ...]:
    """Give the sound catalogues, in the order in which they count."""
    return tuple(
        _source(name, entry, sections, variables)
        for name in language.CATALOGUES
        if (entry := sections.catalogues.get(name))
        if entry.content
    )


def comparisons(
    sections: Sections, variables: Variables, faults: Faults
) -> dict[str, tuple[Operand, ...]]:
    """Find what the tests' `between:` name, by test; what means nothing is a fault."""
    sources = sources_of(sections, variables)
    found: dict[str, tuple[Operand, ...]] = {}
    for name, entry in sections.tests.items():
        sides: list[Operand] = []
        for number, operand in enumerate(getattr(_options(entry), "between", ())):
            try:
                sides.append(find(operand, lambda: sources, entry.folder))
            except UsageError as error:
                path = join(join(f"tests.{name}", "between"), number)
                faults.add(entry.place, path, str(error))
        if sides:
            found[name] = tuple(sides)
    return found


def _options(entry: Entry[TestContent]) -> object:
    return entry.content.options if entry.content else None


def check_servers(sections: Sections, faults: Faults) -> None:
    """Note services and credentials that a catalogue names and that are not there."""
    entry = sections.catalogues.get(SERVER)
    if entry is None or not isinstance(entry.content, language.RucioEntry):
        return
    path, content = join("inventory", SERVER), entry.content
    if content.service:
        service = sections.services.get(content.service)
        if service is None:
            hint = near(content.service, sections.services) or "; declare it in services:"
            message = f"there is no service {quote(content.service)}{hint}"
            faults.add(entry.place, path, message)
            return
        if service.content and service.content.kind != SERVER:
            kind = service.content.kind
            message = f"{content.service} is a service of kind {kind}, expected {SERVER}"
            faults.add(entry.place, path, message)
    credential = _asking(content, sections)
    if credential != NOBODY.name and credential not in sections.credentials:
        hint = near(credential, sections.credentials) or "; declare it in credentials:"
        faults.add(entry.place, path, f"there is no credential {quote(credential)}{hint}")


def _asking(content: language.RucioEntry, sections: Sections) -> str:
    """Give the name of the credential that a server is asked with."""
    service = sections.services.get(content.service) if content.service else None
    return service.content.common.credential if service and service.content else content.credential


def _source(
    name: str,
    entry: Entry[language.CatalogueEntry],
    sections: Sections,
    variables: Variables,
) -> Source:
    content = entry.content
    assert content is not None
    source = Source(
        name=name,
        address=content.address,
        located=content.address
        if is_url(content.address)
        else str(_path(entry.folder, content.address)),
        lock=_path(entry.folder, content.lock or f"{name}.lock.json"),
        refresh=float(content.refresh),
        frozen=content.frozen,
        ca=str(_path(entry.folder, content.ca)) if content.ca else "",
        timeout=float(content.timeout),
        place=entry.place,
    )
    if not isinstance(content, language.RucioEntry) or content.export:
        return source
    found = _service(content, entry, sections)
    if found is None:  # it is faulty, and that is told
        return source
    service = build_service(content.service or SERVER, found, variables)
    service = structs.replace(service, ca=source.ca or service.ca)
    credential = _credential(_asking(content, sections), sections, variables)
    return structs.replace(
        source,
        address=found.content.common.url if found.content else "",
        located=service.url,
        service=service,
        credential=credential,
        unset=tuple(dict.fromkeys(_unset(service, credential))),
    )


def _service(
    content: language.RucioEntry, entry: Entry[language.CatalogueEntry], sections: Sections
) -> Entry[ServiceContent] | None:
    """Give the entry of `services` that a catalogue names, or one of what it says itself."""
    if content.service:
        found = sections.services.get(content.service)
        known = found and found.content and found.content.kind == SERVER
        return found if known else None
    kinds = service_kinds()
    if SERVER not in kinds:
        return None
    common = language.ServiceEntry(url=content.url, credential=content.credential)
    options = kinds[SERVER].options(auth=content.auth, account=content.account, vo=content.vo)
    return Entry(entry.place, entry.folder, ServiceContent(SERVER, common, options))


def _credential(name: str, sections: Sections, variables: Variables) -> Credential:
    entry = sections.credentials.get(name)
    return build_credential(name, entry, variables) if entry and entry.content else NOBODY


def _unset(service: ServiceChoice, credential: Credential) -> Iterator[str]:
    for owner in (service, service.options, credential):
        for text in structs.asdict(owner).values():
            if isinstance(text, str):
                yield from VARIABLE.findall(text)


def _path(folder: Path, text: str) -> Path:
    return Path(os.path.normpath(folder / os.path.expanduser(text)))
