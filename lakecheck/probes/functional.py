"""Functional tests: what a user does with a storage, step by step, on every endpoint."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated

from msgspec import Meta, Struct

from lakecheck.model import Case, Field, Inventory, Kind, Step, Test, Traffic
from lakecheck.plan import matrix
from lakecheck.units import Duration, Size

STEPS = (
    Step("upload"),
    Step("stat", needs=("upload",)),
    Step("checksum", needs=("upload",)),
    Step("download", needs=("upload",)),
    Step("delete", needs=("upload",), finaliser=True),
)
NO_CHECKSUMS = "the spec says that this storage has no checksums"
NAMES = tuple(step.name for step in STEPS)

Sizes = tuple[Size, ...] | dict[Size, Duration]


class Options(Struct, frozen=True, forbid_unknown_fields=True):
    """Keys of a functional test."""

    protocols: Annotated[
        tuple[str, ...], Meta(description="Protocols to test; all that an RSE has by default.")
    ] = ()
    sizes: Annotated[Sizes, Meta(description="File sizes; a map gives each its own frequency.")] = (
        Size(100),
    )
    credentials: Annotated[
        tuple[str, ...], Meta(description="Credentials to test with; the RSE's own by default.")
    ] = ()


def each_size(sizes: Sizes) -> tuple[tuple[int, float | None], ...]:
    """Pairs of size and its own frequency in seconds, None where it has none."""
    if isinstance(sizes, Mapping):
        return tuple((int(size), float(every)) for size, every in sizes.items())
    return tuple((int(size), None) for size in sizes)


def cases(test: Test, inventory: Inventory) -> Iterator[Case]:
    """Every endpoint × size × credential."""
    options: Options = test.options
    sizes = [(size, matrix.size_label(size), every) for size, every in each_size(options.sizes)]
    for rse in matrix.rses(test, inventory):
        driver = matrix.driver(test, rse)
        for endpoint in rse.endpoints:
            if not matrix.wanted(endpoint, options.protocols):
                continue
            for size, label, every in sizes:
                for credential, suffix in matrix.credentials(options.credentials, rse):
                    yield Case(
                        test=test,
                        id=f"{rse.name}.{endpoint.protocol}.{label}{suffix}",
                        place=rse.name,
                        steps=NAMES,
                        endpoint=endpoint,
                        size=size,
                        credential=credential,
                        driver=driver,
                        every=every,
                    )


def traffic(case: Case) -> Traffic:
    """One upload and one download."""
    here = {case.endpoint.rse: case.size} if case.endpoint else {}
    return Traffic(ingress=here, egress=here, transfers=2)


def skips(case: Case) -> Mapping[str, str]:
    """Steps that a storage declared without checksums does not get."""
    without = case.endpoint is not None and case.endpoint.checksum == "none"
    return {"checksum": NO_CHECKSUMS} if without else {}


KIND = Kind(
    name="functional",
    title="upload, stat, checksum, download and delete on every endpoint",
    options=Options,
    steps=STEPS,
    cases=cases,
    traffic=traffic,
    probe="lakecheck.probes.storage_steps:STEPS",
    skips=skips,
    fields=(
        Field("checksum", "keyword", "checksum that the storage told, as algorithm:digits"),
        Field("compared", "keyword", "what was compared: content, checksum or size"),
    ),
)
