"""Files → Spec, or every fault at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from lakecheck.errors import SpecError
from lakecheck.model import SinkChoice, Spec
from lakecheck.spec.adoption import adopt
from lakecheck.spec.build import build, build_flows
from lakecheck.spec.catalogues import Source
from lakecheck.spec.checks import check
from lakecheck.spec.files import SUFFIX, gather
from lakecheck.spec.matrix import check_matrix
from lakecheck.spec.nodes import Faults, TooManyFaults
from lakecheck.spec.sections import Merger, merge
from lakecheck.spec.sources import check_servers, comparisons, sources_of

Refresh = Callable[[tuple[Source, ...]], object]


def load(
    paths: Sequence[str | Path],
    variables: Mapping[str, str] = os.environ,
    refresh: Refresh | None = None,
) -> Spec:
    """Read spec files and folders as one spec; SpecError holds all its faults.

    UsageError for a path that is not there, or a folder without specs. `refresh` is called with
    the spec's catalogues before their locks are read.
    """
    faults = Faults()
    try:
        return _load(paths, variables, faults, refresh)
    except TooManyFaults:
        raise SpecError(faults.found) from None


def sources(
    paths: Sequence[str | Path], variables: Mapping[str, str] = os.environ
) -> tuple[Source, ...]:
    """Give the catalogues that specs name, whatever else is wrong in them.

    SpecError where the catalogues themselves are faulty; UsageError as `load`.
    """
    unheard, faults = Faults(), Faults()
    merger, others = Merger(faults), Merger(unheard)
    with suppress(TooManyFaults):
        for file in gather(paths, unheard):
            merger.catalogues(file)
            others.names(file)
    sections, named = merger.sections, others.sections
    sections.services, sections.credentials = named.services, named.credentials
    with suppress(TooManyFaults):
        check_servers(sections, faults)
    if faults.found:
        raise SpecError(faults.found)
    return sources_of(sections, variables)


def flows(
    paths: Sequence[str | Path], variables: Mapping[str, str] = os.environ
) -> tuple[tuple[SinkChoice, ...], tuple[SinkChoice, ...], tuple[str, ...]]:
    """Give the sinks and sources that specs name, and all files read, whatever their tests say.

    SpecError where a file cannot be read or they themselves are faulty; UsageError as `load`.
    """
    faults = Faults()
    merger = Merger(faults)
    with suppress(TooManyFaults):
        files = gather(paths, faults)
        for file in files:
            merger.flows(file)
    if faults.found:
        raise SpecError(faults.found)
    publish = build_flows(merger.sections.publish, variables)
    consume = build_flows(merger.sections.consume, variables)
    return publish, consume, tuple(file.shown for file in files)


def _load(
    paths: Sequence[str | Path],
    variables: Mapping[str, str],
    faults: Faults,
    refresh: Refresh | None,
) -> Spec:
    files = gather(paths, faults)
    whole = not faults.found  # else every name in a file that cannot be read would be unknown
    sections = merge(files, faults)
    check_servers(sections, faults)
    if refresh and sections.catalogues and not faults.found:
        refresh(sources_of(sections, variables))
    if adopt(sections, faults, whole) and whole:
        check(sections, variables, faults)
    between = comparisons(sections, variables, faults)
    if faults.found:
        raise SpecError(faults.found)
    shown = tuple(file.shown for file in files)
    spec = build(sections, _name(paths), shown, variables, between)
    check_matrix(spec, sections, faults)
    if faults.found:
        raise SpecError(faults.found)
    return spec


def _name(paths: Sequence[str | Path]) -> str:
    """Name of a spec: its first file's without ending, or its folder's."""
    first = Path(os.path.abspath(paths[0])) if paths else Path()
    return first.name.removesuffix(SUFFIX) if first.name.endswith(SUFFIX) else first.name
