"""`lakecheck validate`, `schema` and `inventory`: what specs say, and whether they may."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.table import Table
from rich.text import Text

from lakecheck import spec as language
from lakecheck.cli.options import as_json, spec_paths, specs
from lakecheck.errors import SpecError
from lakecheck.model import RSE, Inventory, Scalar, Spec
from lakecheck.views.console import Console

WRONG_USE = 4


@click.command()
@specs
@as_json
def validate(specs: tuple[Path, ...], as_json: bool) -> None:
    """Read specs and say everything that is wrong in them."""
    try:
        found = language.load(spec_paths(specs))
    except SpecError as error:
        if not as_json:
            raise
        faults = msgspec.to_builtins(error.faults)
        click.echo(json.dumps({"valid": False, "faults": faults}, indent=2, ensure_ascii=False))
        click.get_current_context().exit(WRONG_USE)
    counts = _counts(found)
    if as_json:
        click.echo(json.dumps({"valid": True, **counts, "faults": []}, indent=2))
        return
    click.echo(", ".join(_count(number, noun) for noun, number in counts.items()) + ": valid")


def _counts(spec: Spec) -> dict[str, int]:
    return {
        "files": len(spec.files),
        "rses": len(spec.inventory.rses),
        "tests": len(spec.tests),
    }


def _count(number: int, noun: str) -> str:
    word = {"rses": "RSEs"}.get(noun, noun)
    return f"{number} {word if number != 1 else word.removesuffix('s')}"


@click.command()
def schema() -> None:
    """Print the JSON Schema of the spec language, for editors."""
    click.echo(json.dumps(language.schema(), indent=2, ensure_ascii=False))


@click.group()
def inventory() -> None:
    """RSEs and endpoints, and where they came from."""


@inventory.command()
@specs
@as_json
def show(specs: tuple[Path, ...], as_json: bool) -> None:
    """Show the RSEs of specs."""
    found = language.load(spec_paths(specs)).inventory
    if as_json:
        click.echo(json.dumps(_plain(found), indent=2, ensure_ascii=False))
        return
    # Off a terminal nothing is known of the width, and a cut URL is of no use.
    console = Console()
    if not console.is_terminal:
        console = Console(width=_widest(found), highlight=False)
    console.print(_table(found))


def _plain(inventory: Inventory) -> dict[str, Any]:
    return {
        "rses": {
            name: {
                "endpoints": [endpoint.url for endpoint in rse.endpoints],
                "attributes": dict(rse.attributes),
                "credential": rse.credential,
                "from": rse.origin,
            }
            for name, rse in inventory.rses.items()
        }
    }


def _table(inventory: Inventory) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("RSE", style="bold", no_wrap=True)
    for title in ("endpoints", "attributes", "credential", "from"):
        table.add_column(title, overflow="fold")
    for name, rse in inventory.rses.items():
        table.add_row(*(Text(cell) for cell in (name, *_cells(rse))))
    return table


def _cells(rse: RSE) -> tuple[str, str, str, str]:
    urls = "\n".join(_escaped(endpoint.url) for endpoint in rse.endpoints)
    attributes = "\n".join(f"{name}={_scalar(value)}" for name, value in rse.attributes.items())
    return urls, _escaped(attributes, keep="\n"), rse.credential, rse.origin


def _scalar(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _escaped(text: str, keep: str = "") -> str:
    return "".join(c if c.isprintable() or c in keep else ascii(c)[1:-1] for c in text)


def _widest(inventory: Inventory) -> int:
    widths = [
        sum(max((len(line) for line in cell.split("\n")), default=0) for cell in (name, *cells))
        for name, rse in inventory.rses.items()
        if (cells := _cells(rse))
    ]
    return max(widths, default=0) * 2 + 80
