"""Third-party copies between all links: the storages move the bytes, we only ask."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Meta, Struct

from lakecheck.model import RSE, Case, Endpoint, Field, Inventory, Kind, Mode, Step, Test, Traffic
from lakecheck.plan import matrix, mesh
from lakecheck.probes.functional import Sizes, each_size
from lakecheck.spec.names import RSEName
from lakecheck.units import Size

STEPS = (Step("copy"),)
PUSH = frozenset({"davs", "dav"})  # families in which a source can send


class Options(Struct, frozen=True, forbid_unknown_fields=True):
    """Keys of a third-party-copy test."""

    protocols: Annotated[
        tuple[str, ...], Meta(description="Protocols to test; all that both ends share by default.")
    ] = ()
    sizes: Annotated[Sizes, Meta(description="File sizes; a map gives each its own frequency.")] = (
        Size(1_000_000),
    )
    credentials: Annotated[
        tuple[str, ...], Meta(description="Credentials to test with; the RSE's own by default.")
    ] = ()
    via: Annotated[
        Literal["direct"], Meta(description="Who asks the storages to copy: direct is lakecheck.")
    ] = "direct"
    mesh: Annotated[
        Literal["full", "ring"] | dict[Literal["star"], RSEName],
        Meta(description="Which links: full, ring, or {star: RSE}."),
    ] = "full"
    modes: Annotated[
        tuple[Mode, ...],
        Meta(description="pull: the destination fetches; push: the source sends (davs only)."),
    ] = ()
    checksum: Annotated[
        Literal["both", "none"],
        Meta(description="both: checksums of both ends are compared; none: sizes are."),
    ] = "both"


def cases(test: Test, inventory: Inventory) -> Iterator[Case]:
    """Every link × protocol × size × mode × credential; links without a way are skipped."""
    options: Options = test.options
    members = [
        rse
        for rse in matrix.rses(test, inventory)
        if any(matrix.wanted(endpoint, options.protocols) for endpoint in rse.endpoints)
    ]
    for source, destination in mesh.links(options.mesh, members):
        yield from _link(test, options, source, destination)


def _link(test: Test, options: Options, source: RSE, destination: RSE) -> Iterator[Case]:
    place = f"{source.name}~{destination.name}"
    driver = matrix.driver(test, destination)
    pairs = list(_pairs(options, source, destination))
    for size, every in each_size(options.sizes):
        label = matrix.size_label(size)
        if not pairs:
            yield Case(
                test=test,
                id=f"{place}.{label}",
                place=place,
                steps=("copy",),
                endpoint=destination.endpoints[0],
                source=source.endpoints[0],
                size=size,
                driver=driver,
                every=every,
                skip=f"{source.name} and {destination.name} share no third-party-copy protocol",
            )
        for start, end in pairs:
            for mode in options.modes or ("pull",):
                tail = f".{mode}" if options.modes else ""
                for credential, suffix in matrix.credentials(options.credentials, destination):
                    yield Case(
                        test=test,
                        id=f"{place}.{end.protocol}.{label}{tail}{suffix}",
                        place=place,
                        steps=("copy",),
                        endpoint=end,
                        source=start,
                        size=size,
                        mode=mode,
                        credential=credential,
                        driver=driver,
                        every=every,
                        skip=_why_not(start, end, mode),
                    )


def _pairs(options: Options, source: RSE, destination: RSE) -> Iterator[tuple[Endpoint, Endpoint]]:
    """Endpoints of both ends that speak the same protocol: first with first, and so on."""
    starts = _by_label(options, source)
    for label, end in _by_label(options, destination).items():
        if label in starts:
            yield starts[label], end


def _by_label(options: Options, rse: RSE) -> dict[tuple[str, str], Endpoint]:
    return {
        (matrix.family(endpoint.scheme), endpoint.protocol.removeprefix(endpoint.scheme)): endpoint
        for endpoint in rse.endpoints
        if endpoint.tpc and matrix.wanted(endpoint, options.protocols)
    }


def _why_not(start: Endpoint, end: Endpoint, mode: Mode) -> str:
    if mode == "push" and matrix.family(end.scheme) not in PUSH:
        return f"{end.scheme} copies by pull only"
    active = end if mode == "pull" else start
    if mode not in active.tpc:
        return f"{active.rse} does not {mode}"
    return ""


def traffic(case: Case) -> Traffic:
    """The copy itself; the seeds that links share are no case's own."""
    if not (case.source and case.endpoint):
        return Traffic({}, {})
    return Traffic({case.endpoint.rse: case.size}, {case.source.rse: case.size}, transfers=1)


KIND = Kind(
    name="tpc",
    title="third-party copies over every link",
    options=Options,
    steps=STEPS,
    cases=cases,
    traffic=traffic,
    probe="lakecheck.probes.copy_step:STEPS",
    fields=(Field("verified", "keyword", "checksum that both ends agreed on, or size"),),
)
