"""What only a test's matrix tells: that it is empty, or that its driver cannot work on it."""

from __future__ import annotations

from lakecheck import registry
from lakecheck.model import Kind, Spec, Test
from lakecheck.spec import drivers, expression
from lakecheck.spec.build import build_inventory
from lakecheck.spec.nodes import Faults, near, quote
from lakecheck.spec.sections import Sections


def check_matrix(spec: Spec, sections: Sections, faults: Faults) -> None:
    """Note tests that select nothing, unless they may, and drivers that do not speak a scheme."""
    for name, test in spec.tests.items():
        kind: Kind = registry.load("kinds", test.kind)
        place = sections.tests[name].place
        first = next(iter(kind.cases(test, spec.inventory)), None)
        empty = first is None
        if empty and not test.allow_empty and not _emptied(test, sections):
            message = f"it selects nothing: {_why_empty(test, spec)}"
            faults.add(place, f"tests.{name}", f"{message}; write allow_empty: true if it may")
        if not empty and _lacks_daemons(test, spec):
            message = (
                "no service that it asks has daemons, as one of kind rucio has; ask such a "
                "service, or leave the key out"
            )
            faults.add(place, f"tests.{name}.heartbeats", message)
        for driver, scheme in _unspoken(test, spec) if kind.driven else ():
            message = (
                f"its driver {driver} does not speak {scheme}; choose another driver, such as "
                f"{drivers.NATIVE}, or limit it: protocols: [{', '.join(drivers.schemes(driver))}]"
            )
            faults.add(place, f"tests.{name}", message)


def _lacks_daemons(test: Test, spec: Spec) -> bool:
    """Whether heartbeats are wanted though nothing has any: the promise would be kept unseen."""
    if getattr(test.options, "heartbeats", None) is None:
        return False
    kind: Kind = registry.load("kinds", test.kind)
    return not any("daemons" in case.steps for case in kind.cases(test, spec.inventory))


def _emptied(test: Test, sections: Sections) -> bool:
    """Whether a test selects nothing only since its RSEs have left their catalogue."""
    if not sections.gone:
        return False
    kind: Kind = registry.load("kinds", test.kind)
    return next(iter(kind.cases(test, build_inventory(sections, gone=True))), None) is not None


def _unspoken(test: Test, spec: Spec) -> dict[tuple[str, str], None]:
    """Pairs of driver and scheme that a test's matrix has and that do not go together."""
    protocols = getattr(test.options, "protocols", ())
    found: dict[tuple[str, str], None] = {}
    for name in expression.parse(test.on).select(spec.inventory.rses):
        rse = spec.inventory.rses[name]
        driver = (rse.driver or test.driver).name
        if driver == drivers.NATIVE or not drivers.schemes(driver) or drivers.takes_any(driver):
            continue
        for endpoint in rse.endpoints:
            wanted = not protocols or {endpoint.scheme, endpoint.protocol} & set(protocols)
            if wanted and endpoint.scheme not in drivers.schemes(driver):
                found[driver, endpoint.scheme] = None
    return found


def _why_empty(test: Test, spec: Spec) -> str:
    rses = spec.inventory.rses
    if hasattr(test.options, "of"):
        return "there are neither services nor URLs, nor RSEs with endpoints: true"
    if not rses:
        return "the inventory has no RSEs"
    parsed = expression.parse(test.on)
    chosen = parsed.select(rses)
    if chosen:
        return f"on: {test.on} gives {', '.join(chosen[:5])}, {_why_no_case(test, spec, chosen)}"
    present = {name for rse in rses.values() for name in rse.attributes}
    for attribute in parsed.attributes:
        if attribute not in present and attribute not in expression.NAME_KEYS:
            return f"no RSE has the attribute {quote(attribute)}{near(attribute, present)}"
    return f"on: {test.on} matches none of the {len(rses)} RSEs"


def _why_no_case(test: Test, spec: Spec, chosen: tuple[str, ...]) -> str:
    """Say why there is no case though RSEs were chosen, as far as it can be told."""
    wanted = getattr(test.options, "protocols", ())
    ends = [end for name in chosen for end in spec.inventory.rses[name].endpoints]
    if wanted and not any({end.scheme, end.protocol} & set(wanted) for end in ends):
        spoken = ", ".join(dict.fromkeys(end.protocol for end in ends))
        return f"of which none speaks {' or '.join(wanted)}, only {spoken}"
    if not getattr(test.options, "sizes", True):
        return "but its sizes are empty"
    if test.kind == "tpc" and len(chosen) == 1:
        return "and a copy needs another storage to copy to"
    return f"but no case comes of {'it' if len(chosen) == 1 else 'them'}"
