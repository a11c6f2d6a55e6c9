"""Usage: what Rucio counts on each RSE, by account, by scope and by experiment."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from lakecheck.drivers.rucio_by_hand import addressed
from lakecheck.model import (
    Case,
    Credential,
    Endpoint,
    Field,
    Inventory,
    Kind,
    Step,
    Test,
    Traffic,
)
from lakecheck.plan import matrix
from lakecheck.probes.usage_experiments import OTHER, Experiment, ExperimentsShape
from lakecheck.spec.names import ServiceName

OF_RSE = ("space", "accounts", "scopes")
OF_EXPERIMENT = ("used",)
STEPS = tuple(Step(name) for name in (*OF_RSE, *OF_EXPERIMENT))


class Options(Struct, frozen=True, forbid_unknown_fields=True):
    """Keys of a usage test."""

    via: Annotated[ServiceName, Meta(description="The Rucio, by its name in services.")]
    experiments: Annotated[
        dict[str, Experiment],
        Meta(
            description="Scopes and accounts of each experiment; the rest is other.",
            extra={"shape": ExperimentsShape()},
        ),
    ] = msgspec.field(default_factory=dict)
    storage: Annotated[
        str, Meta(description="Under which source Rucio is told what storages have free.")
    ] = "storage"


def cases(test: Test, inventory: Inventory) -> Iterator[Case]:
    """Every RSE, then every experiment on it and what belongs to none."""
    experiments = test.options.experiments
    for rse in matrix.rses(test, inventory):
        yield _case(test, rse.name, matrix.there(rse), "")
        for name in (*experiments, OTHER) if experiments else ():
            yield _case(test, rse.name, matrix.there(rse), name)


def _case(test: Test, rse: str, endpoint: Endpoint, experiment: str) -> Case:
    return Case(
        test=test,
        id=f"{rse}.{experiment}" if experiment else rse,
        place=rse,
        steps=OF_EXPERIMENT if experiment else OF_RSE,
        endpoint=endpoint,
        experiment=experiment,
        asks=test.service.credential if test.service else "none",
    )


def traffic(_: Case) -> Traffic:
    """Nothing is moved."""
    return Traffic({}, {})


def repeat(case: Case, step: str, _: Credential) -> list[str]:
    """Give what to ask by hand with Rucio's own command; the user's own rucio.cfg says who asks.

    `ACCOUNT` stands for one of those that the check has found.
    """
    rse = shlex.quote(case.place)
    lines = [f"rucio rse show {rse}"]
    if step == "accounts":
        lines.append(f"rucio account limit list --rse {rse} ACCOUNT")
    elif step != "space":
        lines.append(f"rucio replica list dataset --rse {rse}")
    return addressed(lines, case.test.service)


def _patience(_: Options) -> float:
    return 600.0  # s; a large lake's lists of datasets and rules are long


KIND = Kind(
    name="usage",
    title="used and free space of every RSE, by account, scope and experiment",
    options=Options,
    steps=STEPS,
    cases=cases,
    traffic=traffic,
    probe="lakecheck.probes.usage_steps:STEPS",
    services=("rucio",),
    timeout=_patience,
    driven=False,
    repeat=repeat,
    fields=(
        # Beside `experiment`, which may be the RSE's own too, and which SQL's view has not.
        Field("experiment", "keyword", "the experiment whose share it is"),
        Field("used", "long", "bytes that Rucio counts, of the RSE or of the experiment on it"),
        Field("files", "long", "files that Rucio counts, likewise"),
        Field("free", "long", "bytes that are free, as Rucio was told of the storage"),
        Field("total", "long", "bytes that are free or used, as Rucio was told of the storage"),
        Field("stored", "long", "bytes that are used, as Rucio was told of the storage"),
        Field("sources", "nested", "all that Rucio was told: name, used, free, files"),
        Field("accounts", "nested", "what rules of each account hold: name, used, files"),
        Field("scopes", "nested", "what each scope has: name, used, files"),
        Field("other", "long", "bytes of used that are in none of the list"),
        Field("other_files", "long", "files that are in none of the list"),
        Field("surplus", "long", "bytes by which the parts are more than used, 0 if they are not"),
        Field("surplus_files", "long", "files by which the parts are more than files"),
    ),
)
