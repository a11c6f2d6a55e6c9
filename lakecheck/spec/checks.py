"""What only the whole spec tells: names that are declared nowhere, schemes, variables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lakecheck import registry
from lakecheck.model import NOBODY, DriverChoice, Kind
from lakecheck.spec import drivers, expression
from lakecheck.spec.build import asked, build_inventory
from lakecheck.spec.kinds import TestContent
from lakecheck.spec.nodes import Faults, near, quote
from lakecheck.spec.sections import Sections
from lakecheck.spec.services import DIRECT, check_services
from lakecheck.spec.shapes import Reference


def check(sections: Sections, variables: Mapping[str, str], faults: Faults) -> None:
    """Note names that are not declared, endpoints that no driver speaks, unset variables."""
    known = _declared(sections)
    for references in sections.references.values():
        for reference in references:
            if reference.noun not in known or reference.name in known[reference.noun]:
                continue
            if reference.noun != "protocol" or drivers.unspoken([reference.name]):
                faults.add(reference.place, reference.path, _unknown(reference, known))
    if NOBODY.name in sections.credentials:
        place = sections.credentials[NOBODY.name].place
        faults.add(place, "credentials", '"none" always exists, and is nobody; choose another name')
    check_services(sections.services, faults)
    _check_vias(sections, faults)
    _check_storage_credentials(sections, faults)
    _check_schemes(sections, faults)
    _check_variables(sections, variables, faults)


def _declared(sections: Sections) -> dict[str, dict[str, None]]:
    protocols: dict[str, None] = {}
    attributes: dict[str, None] = {}
    inventory = build_inventory(sections, gone=True)
    for rse in inventory.rses.values():
        protocols |= dict.fromkeys(endpoint.scheme for endpoint in rse.endpoints)
        protocols |= dict.fromkeys(endpoint.protocol for endpoint in rse.endpoints)
        attributes |= dict.fromkeys(
            name
            for name, value in rse.attributes.items()
            if isinstance(value, bool) or expression.is_true(value)
        )
    rses = dict.fromkeys([*sections.rses, *inventory.rses])
    return {
        "RSE": rses,
        "RSE or attribute": rses | attributes,
        "credential": {NOBODY.name: None, **dict.fromkeys(sections.credentials)},
        "protocol": protocols,
        "service": {DIRECT: None, **dict.fromkeys(sections.services)},
        "declared service": dict.fromkeys(sections.services),
        "attribute": {name: None for rse in inventory.rses.values() for name in rse.attributes},
    }


def _check_vias(sections: Sections, faults: Faults) -> None:
    """Note tests that go through a service of a kind that cannot do it."""
    for name, entry in sections.tests.items():
        via = getattr(entry.content.options, "via", DIRECT) if entry.content else DIRECT
        service = sections.services.get(via)
        if entry.content is None or service is None or service.content is None:
            continue
        kind: Kind = registry.load("kinds", entry.content.kind)
        if service.content.kind not in kind.services:
            wanted = " or ".join(kind.services)
            message = f"{via} is a service of kind {service.content.kind}, expected {wanted}"
            faults.add(entry.place, f"tests.{name}.via", message)


def _check_storage_credentials(sections: Sections, faults: Faults) -> None:
    """Note credentials that storages are not shown yet."""
    for name, path in _users(sections, storages=True).items():
        entry = sections.credentials.get(name)
        if entry and entry.content and not entry.content.x509:
            message = (
                f"{path} shows it to storages, which take x509 or none in this version; "
                "tokens and passwords are for services"
            )
            faults.add(entry.place, f"credentials.{name}", message)


def _unknown(reference: Reference, known: Mapping[str, Iterable[str]]) -> str:
    names = list(known[reference.noun])
    noun = reference.noun
    if noun == "service" and names == [DIRECT]:
        told = "declare it in services:, or write direct"
        return f"there is no service {quote(reference.name)}; {told}"
    if noun == "declared service" and not names:
        return f"there is no service {quote(reference.name)}; declare it in services:"
    noun = {"RSE or attribute": "RSE", "declared service": "service"}.get(noun, noun)
    hint = near(reference.name, names)
    listed = f"; there are {', '.join(names)}" if names and len(names) <= 12 and not hint else ""
    return f"there is no {noun} {quote(reference.name)}{hint or listed}"


def _check_schemes(sections: Sections, faults: Faults) -> None:
    """Note endpoints that no driver speaks, unless what tests them takes any scheme."""
    if any(
        entry.content and (_takes_any(entry.content.common.driver) or not _driven(entry.content))
        for entry in sections.tests.values()
    ):
        return
    found = [
        reference
        for name, entry in sections.rses.items()
        if not (entry.content and entry.content.driver and _takes_any(entry.content.driver))
        for reference in sections.references[f"inventory.rses.{name}"]
        if reference.noun == "scheme"
    ]
    unspoken = drivers.unspoken(reference.name for reference in found)
    for reference in found:
        if reference.name in unspoken:
            spoken = drivers.spoken()
            listed = f"Installed: {', '.join(spoken)}." if spoken else "None is installed."
            message = f"No driver speaks {quote(reference.name)}. {listed}"
            faults.add(reference.place, reference.path, message)


def _driven(content: TestContent) -> bool:
    kind: Kind = registry.load("kinds", content.kind)
    return kind.driven


def _takes_any(driver: DriverChoice) -> bool:
    return drivers.takes_any(driver.name)


def _check_variables(sections: Sections, variables: Mapping[str, str], faults: Faults) -> None:
    """Note environment variables that are not set and that a test's credential or service needs."""
    users = {f"credentials.{name}": user for name, user in _users(sections).items()}
    users |= {f"services.{name}": user for name, user in _service_users(sections).items()}
    for path, references in sections.references.items():
        for reference in references:
            if reference.noun != "variable" or variables.get(reference.name):
                continue
            if path in users:
                message = (
                    f"the environment variable {reference.name} is not set, "
                    f"and {users[path]} needs it; export it first"
                )
                faults.add(reference.place, reference.path, message)


def _service_users(sections: Sections) -> dict[str, str]:
    """Services in use, each with the path of a test that goes through it or asks it."""
    users: dict[str, str] = {}
    for name, entry in sections.tests.items():
        if entry.content:
            options = entry.content.options
            used = [getattr(options, "via", DIRECT), *asked(options, sections.services)]
            for service in used:
                users.setdefault(service, f"tests.{name}")
    return users


def _users(sections: Sections, storages: bool = False) -> dict[str, str]:
    """Credentials in use, each with the path of a test that uses it; towards storages only."""
    inventory = build_inventory(sections)
    users: dict[str, str] = {}
    for name, entry in sections.tests.items():
        if not entry.content or (storages and not _driven(entry.content)):
            continue
        options = entry.content.options
        used = getattr(options, "credentials", ())
        if hasattr(options, "credentials") and not used and getattr(options, "per", "") != "once":
            chosen = expression.parse(entry.content.common.on).select(inventory.rses)
            used = [inventory.rses[rse].credential for rse in chosen]
        for service in map(sections.services.get, asked(options, sections.services)):
            if service and service.content:
                used = [*used, service.content.common.credential]
        via = sections.services.get(getattr(entry.content.options, "via", DIRECT))
        if via and via.content and not storages:
            used = [*used, via.content.common.credential]
        for credential in used:
            users.setdefault(credential, f"tests.{name}")
    return users
