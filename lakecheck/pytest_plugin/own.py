"""Own tests in Python: which places of the inventory they run over, and their addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard, cast

import pytest
from msgspec import Struct

from lakecheck import units
from lakecheck.model import RSE, Case, DriverChoice, Endpoint, Test
from lakecheck.plan import matrix, mesh
from lakecheck.spec import expression

if TYPE_CHECKING:
    from lakecheck.pytest_plugin.state import State

TIMEOUT = 60.0
UNSAFE = re.compile(r"[^A-Za-z0-9_.~-]+")


class Place(Struct, frozen=True):
    """Where one call of an own test happens: an RSE, an endpoint or a link, and a credential."""

    id: str
    rse: RSE
    credential: str
    driver: DriverChoice
    endpoint: Endpoint | None = None
    source: Endpoint | None = None
    timeout: float = TIMEOUT


class Narrowed(Struct, frozen=True):
    """What `@pytest.mark.lakecheck(…)` asks for."""

    protocols: tuple[str, ...] = ()
    on: str = "*"
    credentials: tuple[str, ...] = ()
    timeout: float = TIMEOUT
    driver: DriverChoice = DriverChoice()


def narrow(metafunc: pytest.Metafunc, state: State) -> list[Place]:
    """Places of the inventory that an own test runs over."""
    asked = _asked(metafunc)
    rses = state.own_inventory().rses
    chosen = expression.parse(asked.on).select(rses)
    members = [rses[name] for name in chosen]
    names = metafunc.fixturenames
    if "link" in names:
        found = _links(members, asked)
    elif "endpoint" in names or "storage" in names:
        found = _endpoints(members, asked)
    else:
        found = _rses(members, asked)
    return list(found)


def _asked(metafunc: pytest.Metafunc) -> Narrowed:
    options: dict[str, Any] = {}
    for mark in reversed(list(metafunc.definition.iter_markers("lakecheck"))):
        options.update(mark.kwargs)
    if isinstance(options.get("timeout"), str):
        options["timeout"] = units.duration(options["timeout"])
    if isinstance(options.get("driver"), str):
        options["driver"] = DriverChoice(options["driver"])
    for name in ("protocols", "credentials"):
        options[name] = tuple(options.get(name, ()))
    try:
        return Narrowed(**options)
    except TypeError as error:
        raise pytest.UsageError(
            f"{metafunc.definition.nodeid}: @pytest.mark.lakecheck: {error}; "
            "it takes protocols, on, credentials, timeout and driver"
        ) from None


def _endpoints(members: list[RSE], asked: Narrowed) -> Iterator[Place]:
    for rse in members:
        for endpoint in rse.endpoints:
            if not matrix.wanted(endpoint, asked.protocols):
                continue
            for name, suffix in matrix.credentials(asked.credentials, rse):
                yield Place(
                    id=f"{rse.name}.{endpoint.protocol}{suffix}",
                    rse=rse,
                    credential=name,
                    driver=rse.driver or asked.driver,
                    endpoint=endpoint,
                    timeout=asked.timeout,
                )


def _rses(members: list[RSE], asked: Narrowed) -> Iterator[Place]:
    for rse in members:
        for name, suffix in matrix.credentials(asked.credentials, rse):
            driver = rse.driver or asked.driver
            yield Place(f"{rse.name}{suffix}", rse, name, driver, timeout=asked.timeout)


def _links(members: list[RSE], asked: Narrowed) -> Iterator[Place]:
    for source, destination in mesh.full(members):
        starts = {end.protocol: end for end in source.endpoints}
        for end in destination.endpoints:
            if end.protocol in starts and matrix.wanted(end, asked.protocols):
                for name, suffix in matrix.credentials(asked.credentials, destination):
                    yield Place(
                        id=f"{source.name}~{destination.name}.{end.protocol}{suffix}",
                        rse=destination,
                        credential=name,
                        driver=destination.driver or asked.driver,
                        endpoint=end,
                        source=starts[end.protocol],
                        timeout=asked.timeout,
                    )


def case_of(function: str, tail: str, place: Place) -> Case:
    """The case of one call: `FUNCTION::PLACE`; further parameters of the test follow a dash."""
    return Case(
        test=Test(name=function, kind="python", options=None, timeout=place.timeout),
        id=UNSAFE.sub("-", tail),
        place=place.id,
        steps=("call",),
        endpoint=place.endpoint,
        source=place.source,
        credential=place.credential,
        driver=place.driver,
    )


def own_case(item: pytest.Item) -> Case | None:
    """The case of a collected own test; None for any other test."""
    found: Case | None = getattr(item, "_lakecheck_case", None)
    if found is None and is_own(item):
        found = _case(item, item.originalname)
    return found


def is_own(item: pytest.Item) -> TypeGuard[pytest.Function]:
    """Whether a test runs over places of the inventory."""
    callspec = getattr(item, "callspec", None)
    return callspec is not None and "lakecheck_place" in callspec.params


def own_cases(items: Sequence[pytest.Item]) -> dict[str, Case]:
    """Cases of own tests by the address of their check."""
    cases = (own_case(item) for item in items)
    return {case.checks[0]: case for case in cases if case is not None}


def name_own(items: Sequence[pytest.Item]) -> None:
    """Name all own tests that were collected; `-k` finds them by address, `-m` by kind.

    A test is called by its function's name; where two modules or classes have one of the same
    name, by theirs too. Every process collects the same tests, so all agree.
    """
    mine = [item for item in items if is_own(item)]
    homes: dict[str, set[str]] = {}
    for item in mine:
        homes.setdefault(item.originalname, set()).add(_home(item))
    for item in mine:
        shared = len(homes[item.originalname]) > 1
        name = f"{_home(item)}.{item.originalname}" if shared else item.originalname
        for address in _case(item, name).checks:
            item.extra_keyword_matches.update((address, address.replace("~", "+")))
        item.add_marker("python")


def _case(item: pytest.Function, name: str) -> Case:
    place = cast(Place, item.callspec.params["lakecheck_place"])
    found = case_of(name, item.callspec.id, place)
    item._lakecheck_case = found  # type: ignore[attr-defined]
    return found


def own_addresses(nodeid: str) -> tuple[str, str]:
    """Both addresses that an own test's check may have, from its node id (see `name_own`)."""
    place, _, tail = nodeid.partition("[")
    file, *classes, function = place.split("::")
    ends = f"{function}::{UNSAFE.sub('-', tail.rpartition(']')[0])}.call"
    return ends, ".".join([Path(file).stem, *classes, ends])


def _home(item: pytest.Function) -> str:
    """Module and classes of a test function."""
    return ".".join([item.path.stem, *item.nodeid.split("::")[1:-1]])


def split(items: Sequence[pytest.Item], asked: Any) -> tuple[list[pytest.Item], list[pytest.Item]]:
    """Own tests that `--rse` and `--protocol` leave, with all other items; and those they drop."""
    taken: list[pytest.Item] = []
    left: list[pytest.Item] = []
    for item in items:
        wanted = True
        if is_own(item) and (asked.rse or asked.protocol):
            place = cast(Place, item.callspec.params["lakecheck_place"])
            ends = [end for end in (place.source, place.endpoint) if end]
            names = {place.rse.name, *(end.rse for end in ends)}
            wanted = not asked.rse or bool(names & set(asked.rse))
            if asked.protocol and ends:
                wanted = wanted and any(matrix.wanted(end, asked.protocol) for end in ends)
        (taken if wanted else left).append(item)
    return taken, left
