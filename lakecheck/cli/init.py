"""`lakecheck init`: a first spec from a catalogue."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lakecheck.errors import CatalogueError, UsageError
from lakecheck.spec.addresses import is_url
from lakecheck.spec.catalogues import SERVER, Source
from lakecheck.spec.files import SUFFIX
from lakecheck.spec.nodes import near, quote
from lakecheck.spec.operands import PREFIXES, at
from lakecheck.views.console import Console

if TYPE_CHECKING:
    from lakecheck.inventory import first_spec

DEFAULT = Path("specs") / f"lake{SUFFIX}"


@click.command()
@click.option(
    "--from",
    "origin",
    required=True,
    metavar="rucio|cric:URL|rucio:FILE|fts:FILE",
    help="The catalogue: a URL, a file, or the Rucio that rucio.cfg or --url names.",
)
@click.option(
    "-o",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    default=DEFAULT,
    show_default=True,
    help="The spec to write.",
)
@click.option("--url", default="", metavar="URL", help="Rucio: the server; else rucio.cfg's.")
@click.option("--auth", default="", metavar="URL", help="Rucio: its authentication server.")
@click.option("--account", default="", metavar="NAME", help="Rucio: the account to act as.")
def init(origin: str, path: Path, url: str, auth: str, account: str) -> None:
    """Write a first complete spec over CRIC's, Rucio's or an FTS test's storages."""
    if not path.name.endswith(SUFFIX):
        raise UsageError(f"{path} is no name of a spec; specs end in {SUFFIX}")
    if origin == SERVER:
        from lakecheck.inventory import first_services, rucio_settings

        settings = rucio_settings.find(os.environ, url, auth, account)
        _write(settings.source(), first_services.of_rucio(path, settings))
        if settings.credential.kind == "userpass" and not os.environ.get(rucio_settings.PASSWORD):
            told = f"before a run: export {rucio_settings.PASSWORD}=…"
            where = f", which stands in {settings.file}" if settings.file else ""
            Console(highlight=False, soft_wrap=True).print(told + where, markup=False)
        return
    if url or auth or account:
        raise UsageError("--url, --auth and --account are for --from rucio")
    name, address = _split(origin, PREFIXES)
    _write(at(name, address), _place(path, name, address))


def _place(path: Path, name: str, address: str) -> first_spec.Place:
    from lakecheck.inventory import NotUnderstood, Unread, first_services, first_spec

    seen = address if is_url(address) else os.path.relpath(address, path.parent)
    if name != "fts_config":
        return first_spec.Place(path, name, first_spec.address(name, seen), f"{name}.lock.json")
    try:
        return first_services.of_fts(path, address, seen, first_spec.has_proxy(os.environ))
    except (Unread, NotUnderstood) as error:
        told = f"{name}: {quote(address)} cannot be used: {error}"
        raise CatalogueError(told) from None


def _write(source: Source, place: first_spec.Place) -> None:
    """Read a catalogue, and write its lock and the spec beside it."""
    from lakecheck.inventory import first_spec, lock, operands, start

    path = place.path
    copy = path.parent / place.lock
    for each in (path, copy):
        if os.path.lexists(each):
            raise UsageError(f"{each} is there already; name another file with -o")
    found = operands.read(source)
    text = first_spec.text(place, found, os.environ)
    seen = (
        source.address if is_url(source.address) else os.path.relpath(source.address, path.parent)
    )
    try:
        lock.write(copy, start(found, source.name, seen))
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from None
    console = Console(highlight=False, soft_wrap=True)
    count = f"{len(found.rses)} RSE{'s' if len(found.rses) != 1 else ''}"
    console.print(f"{path}: {count}, tested over all their protocols", markup=False)
    if found.ignored:
        console.print(f"{len(found.ignored)} left out; `lakecheck inventory show` tells why")
    unset = "${FTS_URL}" in text and not os.environ.get("FTS_URL")
    first = "export FTS_URL=https://…, your FTS; then: " if unset else ""
    console.print(f"next: {first}lakecheck plan {path}", markup=False)


def _split(origin: str, prefixes: dict[str, str]) -> tuple[str, str]:
    """Take `cric:URL` apart."""
    prefix, _, address = origin.partition(":")
    if prefix not in prefixes or not address:
        hint = near(prefix, prefixes) if prefix not in prefixes else ""
        form = "write rucio, cric:URL, rucio:FILE or fts:FILE"
        raise UsageError(f"--from: {quote(origin)} names no catalogue{hint}; {form}")
    return prefixes[prefix], address
