"""Merged sections → the model: RSEs with their endpoints, credentials, tests."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from lakecheck import registry
from lakecheck.model import (
    NOBODY,
    RSE,
    Comparison,
    Credential,
    Endpoint,
    Inventory,
    Kind,
    Secret,
    ServiceChoice,
    SinkChoice,
    Spec,
    Test,
)
from lakecheck.spec.digest import digest
from lakecheck.spec.kinds import TestContent
from lakecheck.spec.language import CredentialEntry, RSEEntry
from lakecheck.spec.operands import Operand
from lakecheck.spec.paths import located
from lakecheck.spec.scalar_shapes import VARIABLE
from lakecheck.spec.sections import Entry, Sections
from lakecheck.spec.services import build_service
from lakecheck.spec.sinks import SinkContent, build_sinks


def build(
    sections: Sections,
    name: str,
    files: tuple[str, ...],
    variables: Mapping[str, str],
    comparisons: Mapping[str, tuple[Operand, ...]],
) -> Spec:
    """Make the Spec of sections without faults; `comparisons` are by test."""
    inventory = build_inventory(sections)
    credentials = {
        name: build_credential(name, entry, variables)
        for name, entry in sections.credentials.items()
        if entry.content
    }
    services = {
        name: build_service(name, entry, variables)
        for name, entry in sections.services.items()
        if entry.content
    }
    tests = {
        name: build_test(
            name, entry, services, _comparison(comparisons.get(name), sections, inventory)
        )
        for name, entry in sections.tests.items()
        if entry.content
    }
    return Spec(
        name=name,
        inventory=inventory,
        credentials={NOBODY.name: NOBODY, **credentials},
        tests=tests,
        publish=build_flows(sections.publish, variables),
        consume=build_flows(sections.consume, variables),
        services=services,
        files=files,
        digest=digest(_meaning(sections)),
    )


def build_flows(
    entries: list[Entry[SinkContent]], variables: Mapping[str, str]
) -> tuple[SinkChoice, ...]:
    """Make the sound entries of `publish` or `consume`."""
    sound = [(entry.place, entry.folder, entry.content) for entry in entries if entry.content]
    return build_sinks(sound, variables)


def build_inventory(sections: Sections, gone: bool = False) -> Inventory:
    """Make the inventory of the sound RSEs; with those that catalogues had once if `gone`."""
    ca = sections.ca
    trusted = _path(ca.folder, ca.content) if ca and ca.content else ""
    rses = {
        name: build_rse(name, entry, trusted)
        for name, entry in (sections.rses | (sections.gone if gone else {})).items()
        if entry.content
    }
    meaning = _meaning(sections)
    return Inventory(rses, digest({"ca": meaning["ca"], "rses": meaning["rses"]}))


def build_rse(name: str, entry: Entry[RSEEntry], ca: str) -> RSE:
    """Make an RSE; the second endpoint of a scheme is labelled `davs-2`."""
    content = entry.content
    assert content is not None
    endpoints: list[Endpoint] = []
    for url in content.endpoints:
        earlier = sum(endpoint.scheme == url.scheme for endpoint in endpoints)
        endpoints.append(
            Endpoint(
                rse=name,
                url=url.url,
                scheme=url.scheme,
                host=url.host,
                port=url.port,
                path=url.path,
                protocol=f"{url.scheme}-{earlier + 1}" if earlier else url.scheme,
                checksum=content.checksum,
                tpc=() if content.tpc == "none" else content.tpc,
                ca=ca,
            )
        )
    return RSE(
        name=name,
        endpoints=tuple(endpoints),
        attributes=content.attributes,
        credential=content.credential,
        driver=content.driver,
        origin=entry.origin or str(entry.place),
    )


def build_credential(
    name: str, entry: Entry[CredentialEntry], variables: Mapping[str, str]
) -> Credential:
    """Make a credential; variables that are not set stay as written."""
    assert entry.content is not None
    x509, token, user = entry.content.x509, entry.content.token, entry.content.userpass
    if x509:
        return Credential(name, "x509", proxy=located(entry.folder, x509.proxy, variables))
    if token:
        return Credential(name, "token", token=located(entry.folder, token.file, variables))
    assert user is not None
    username, password = (
        VARIABLE.sub(lambda match: variables.get(match[1]) or match[0], text)
        for text in (user.username, user.password)
    )
    return Credential(name, "userpass", username=username, password=Secret(password))


def _comparison(
    sides: tuple[Operand, ...] | None, sections: Sections, inventory: Inventory
) -> Comparison | None:
    known = frozenset(inventory.rses)
    return Comparison(sides, known, sections.left_out) if sides else None


def build_test(
    name: str,
    entry: Entry[TestContent],
    services: Mapping[str, ServiceChoice],
    comparison: Comparison | None = None,
) -> Test:
    """Make a test."""
    content = entry.content
    assert content is not None
    common = content.common
    kind: Kind = registry.load("kinds", content.kind)
    options = content.options
    through = services.get(getattr(options, "via", ""))
    return Test(
        name=name,
        kind=content.kind,
        options=kind.located(options, entry.folder) if kind.located else options,
        on=common.on,
        every=None if common.every is None else float(common.every),
        timeout=float(common.timeout or kind.timeout(options)),
        driver=common.driver,
        expect=content.expect,
        allow_empty=common.allow_empty,
        service=through,
        services={name: services[name] for name in asked(options, services)},
        beneath=_beneath(through, services),
        comparison=comparison,
        origin=str(entry.place),
    )


def asked(options: Any, services: Iterable[str]) -> Iterable[str]:
    """Name the services that a test asks for their own sake: those of `of:`, all by default."""
    if not hasattr(options, "of"):
        return ()
    return services if options.of is None else options.of


def _beneath(
    through: ServiceChoice | None, services: Mapping[str, ServiceChoice]
) -> ServiceChoice | None:
    """Give the FTS that stands below a Rucio, as far as the spec tells: the first one."""
    if through is None or through.kind == "fts":
        return None
    return next((each for each in services.values() if each.kind == "fts"), None)


def _path(folder: Path, text: str) -> str:
    return os.path.abspath(folder / os.path.expanduser(text))


def _meaning(sections: Sections) -> dict[str, object]:
    return {
        "ca": sections.ca.content if sections.ca else "",
        "rses": {name: entry.content for name, entry in sections.rses.items()},
        "credentials": {name: entry.content for name, entry in sections.credentials.items()},
        "services": {name: entry.content for name, entry in sections.services.items()},
        "tests": {name: entry.content for name, entry in sections.tests.items()},
    }
