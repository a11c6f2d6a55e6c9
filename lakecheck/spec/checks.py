"""What only the whole spec tells: names that are declared nowhere, schemes, variables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lakecheck.model import NOBODY, DriverChoice
from lakecheck.spec import drivers, expression
from lakecheck.spec.build import build_inventory
from lakecheck.spec.nodes import Faults, near, quote
from lakecheck.spec.sections import Sections
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
    }


def _unknown(reference: Reference, known: Mapping[str, Iterable[str]]) -> str:
    names = list(known[reference.noun])
    noun = reference.noun
    if noun == "RSE or attribute":
        noun = "RSE"
    hint = near(reference.name, names)
    listed = f"; there are {', '.join(names)}" if names and len(names) <= 12 and not hint else ""
    return f"there is no {noun} {quote(reference.name)}{hint or listed}"


def _check_schemes(sections: Sections, faults: Faults) -> None:
    """Note endpoints that no driver speaks, unless what tests them takes any scheme."""
    if any(
        entry.content and _takes_any(entry.content.common.driver)
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


def _takes_any(driver: DriverChoice) -> bool:
    return drivers.takes_any(driver.name)


def _check_variables(sections: Sections, variables: Mapping[str, str], faults: Faults) -> None:
    """Note environment variables that are not set and that a test's credential needs."""
    users = _users(sections)
    for path, references in sections.references.items():
        credential = path.removeprefix("credentials.")
        for reference in references:
            if reference.noun != "variable" or variables.get(reference.name):
                continue
            if credential in users:
                message = (
                    f"the environment variable {reference.name} is not set, "
                    f"and {users[credential]} needs it; export it first"
                )
                faults.add(reference.place, reference.path, message)


def _users(sections: Sections) -> dict[str, str]:
    """Credentials in use, each with the path of a test that uses it."""
    inventory = build_inventory(sections)
    users: dict[str, str] = {}
    for name, entry in sections.tests.items():
        if not entry.content:
            continue
        used = getattr(entry.content.options, "credentials", ())
        if not used:
            chosen = expression.parse(entry.content.common.on).select(inventory.rses)
            used = [inventory.rses[rse].credential for rse in chosen]
        for credential in used:
            users.setdefault(credential, f"tests.{name}")
    return users
