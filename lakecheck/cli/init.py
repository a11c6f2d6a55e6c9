"""`lakecheck init`: a first spec from a catalogue."""

from __future__ import annotations

import os
from pathlib import Path

import click

from lakecheck.errors import UsageError
from lakecheck.spec.addresses import is_url
from lakecheck.spec.files import SUFFIX
from lakecheck.spec.nodes import near, quote
from lakecheck.spec.operands import PREFIXES, at
from lakecheck.views.console import Console

DEFAULT = Path("specs") / f"lake{SUFFIX}"


@click.command()
@click.option(
    "--from",
    "origin",
    required=True,
    metavar="cric:URL|rucio:FILE|fts:FILE",
    help="The catalogue: a URL or a file.",
)
@click.option(
    "-o",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    default=DEFAULT,
    show_default=True,
    help="The spec to write.",
)
def init(origin: str, path: Path) -> None:
    """Write a first complete spec over CRIC's, Rucio's or an FTS test's storages."""
    from lakecheck.inventory import first_spec, lock, operands, start

    name, address = _split(origin, PREFIXES)
    if not path.name.endswith(SUFFIX):
        raise UsageError(f"{path} is no name of a spec; specs end in {SUFFIX}")
    copy = path.parent / f"{name}.lock.json"
    for each in (path, copy):
        if os.path.lexists(each):
            raise UsageError(f"{each} is there already; name another file with -o")
    found = operands.read(at(name, address))
    seen = address if is_url(address) else os.path.relpath(address, path.parent)
    place = first_spec.Place(path, name, seen, copy.name)
    text = first_spec.text(place, found, os.environ)
    try:
        lock.write(copy, start(found, name, seen))
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from None
    console = Console(highlight=False, soft_wrap=True)
    count = f"{len(found.rses)} RSE{'s' if len(found.rses) != 1 else ''}"
    console.print(f"{path}: {count}, tested over all their protocols", markup=False)
    if found.ignored:
        console.print(f"{len(found.ignored)} left out; `lakecheck inventory show` tells why")
    console.print(f"next: lakecheck plan {path}", markup=False)


def _split(origin: str, prefixes: dict[str, str]) -> tuple[str, str]:
    """Take `cric:URL` apart."""
    prefix, _, address = origin.partition(":")
    if prefix not in prefixes or not address:
        hint = near(prefix, prefixes) if prefix not in prefixes else ""
        form = "write cric:URL, rucio:FILE or fts:FILE"
        raise UsageError(f"--from: {quote(origin)} names no catalogue{hint}; {form}")
    return prefixes[prefix], address
