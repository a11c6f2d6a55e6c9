"""Two catalogues say the same of each RSE."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta, Struct

from lakecheck.model import NOBODY, Case, Field, Inventory, Kind, Step, Test, Traffic
from lakecheck.plan import matrix
from lakecheck.spec.scalar_shapes import Text

OPERAND = Text("a catalogue: cric, rucio, fts_config, lock, a lock file, or cric:URL")


class Options(Struct, frozen=True, forbid_unknown_fields=True):
    """Keys of a consistency test."""

    between: Annotated[
        tuple[Annotated[str, Meta(extra={"shape": OPERAND})], ...],
        Meta(description="Two catalogues: cric, rucio, lock, a lock file, cric:URL, rucio:FILE."),
    ]
    ignore: Annotated[
        tuple[str, ...],
        Meta(description="Attributes that may differ, by name or glob; also tpc, distances."),
    ] = ()

    def __post_init__(self) -> None:
        """Check what can be wrong."""
        if len(self.between) != 2:
            raise ValueError(f"between: expected two catalogues, found {len(self.between)}")


def cases(test: Test, inventory: Inventory) -> Iterator[Case]:
    """One that reads both, one for RSEs that are nobody's, and one for each RSE."""
    comparison = test.comparison
    sides = comparison.sides if comparison else ()
    asked = [side.credential for side in sides if side.credential != NOBODY.name]
    credential = asked[0] if asked else NOBODY.name
    read = Case(test, "catalogues", "catalogues", ("read",), credential=credential)
    yield read
    yield Case(test, "others", "others", ("complete",), credential=credential, needs=(read,))
    for rse in matrix.rses(test, inventory):
        yield Case(test, rse.name, rse.name, ("agree",), credential=credential, needs=(read,))


def traffic(case: Case) -> Traffic:
    """None: storages are not touched."""
    return Traffic({}, {})


KIND = Kind(
    name="consistency",
    title="two catalogues say the same of each RSE",
    options=Options,
    steps=(Step("read"), Step("complete"), Step("agree")),
    cases=cases,
    traffic=traffic,
    probe="lakecheck.probes.consistency_steps:STEPS",
    fields=(
        Field("between", "keyword", "the two catalogues, as the spec names them"),
        Field("rses", "long", "RSEs that both list (of the check read)"),
        Field("missing_in", "keyword", "the catalogue that does not list the RSE"),
        Field("differences", "text", "what the catalogues differ in, a sentence each"),
    ),
)
