"""How `lakecheck inventory show` lays RSEs out."""

from __future__ import annotations

from typing import Any

from rich.table import Table
from rich.text import Text

from lakecheck.inventory.differences import shown
from lakecheck.model import RSE, Inventory


def plain(inventory: Inventory) -> dict[str, Any]:
    """Give RSEs as JSON has them."""
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


def table(inventory: Inventory) -> Table:
    """Give RSEs for people."""
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("RSE", style="bold", no_wrap=True)
    for title in ("endpoints", "attributes", "credential", "from"):
        table.add_column(title, overflow="fold")
    for name, rse in inventory.rses.items():
        table.add_row(*(Text(cell) for cell in (name, *_cells(rse))))
    return table


def _cells(rse: RSE) -> tuple[str, str, str, str]:
    urls = "\n".join(_escaped(endpoint.url) for endpoint in rse.endpoints)
    attributes = "\n".join(f"{name}={shown(value)}" for name, value in rse.attributes.items())
    return urls, _escaped(attributes, keep="\n"), rse.credential, rse.origin


def _escaped(text: str, keep: str = "") -> str:
    return "".join(c if c.isprintable() or c in keep else ascii(c)[1:-1] for c in text)


def widest(inventory: Inventory) -> int:
    """Give a width in which nothing is cut."""
    widths = [
        sum(max((len(line) for line in cell.split("\n")), default=0) for cell in (name, *cells))
        for name, rse in inventory.rses.items()
        if (cells := _cells(rse))
    ]
    return max(widths, default=0) * 2 + 80
