"""`lakecheck plan`: what would run, before anything does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.table import Table

from lakecheck import plan as planning
from lakecheck import spec, units
from lakecheck.cli import options
from lakecheck.errors import EmptySelection
from lakecheck.views.console import Console

MOST_SKIPPED = 10
EVEN = re.compile(r"(?<=[mhd])00[smh]$")  # what a duration of whole minutes or hours ends in


@click.command()
@options.specs
@options.selection
@click.option("--list", "as_list", is_flag=True, help="Print the addresses of the checks.")
@options.as_json
def plan(specs: tuple[Path, ...], as_list: bool, as_json: bool, **chosen: Any) -> int:
    """Show what would run: cases, checks, and bytes in and out of each RSE."""
    loaded = spec.load(options.spec_paths(specs))
    selection = options.chosen(chosen)
    planning.check_names(selection, loaded)
    selected = planning.select(planning.expand(loaded), selection)
    if not selected:
        raise EmptySelection("no check is selected")
    if as_list:
        click.echo("\n".join(selected))
        return 0
    totals = planning.totals(planning.chosen_cases(selected))
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(totals)).decode())
        return 0
    _print(totals)
    return 0


def _print(totals: planning.Plan) -> None:
    console = Console(highlight=False)
    tests = Table(box=None, header_style="bold", pad_edge=False)
    for title in ("test", "kind", "cases", "checks", "bytes", "every", "a day"):
        tests.add_column(title, justify="left" if title in ("test", "kind") else "right")
    for row in totals.tests:
        tests.add_row(
            row.name,
            row.kind,
            f"{row.cases:,}",
            f"{row.checks:,}",
            units.show_size(row.bytes),
            _intervals(row.intervals),
            f"{row.per_day:,.0f}×",
        )
    console.print(tests)
    console.print()
    rses = Table(box=None, header_style="bold", pad_edge=False)
    rses.add_column("RSE, per day")
    for title in ("in", "out", "transfers"):
        rses.add_column(title, justify="right")
    for name, entry in totals.rses.items():
        rses.add_row(
            name,
            units.show_size(entry.ingress),
            units.show_size(entry.egress),
            f"{entry.transfers:,.0f}",
        )
    console.print(rses)
    console.print()
    for each in totals.skipped[:MOST_SKIPPED]:
        console.print(f"skipped  {each.what}: {each.why}", soft_wrap=True)
    if len(totals.skipped) > MOST_SKIPPED:
        console.print(f"… and {len(totals.skipped) - MOST_SKIPPED} more skipped")
    console.print(
        f"{totals.cases:,} cases, {totals.checks:,} checks, {units.show_size(totals.bytes)} a run"
    )


def _intervals(seconds: list[float]) -> str:
    """Write how often a test runs, or its sizes do: `15m`, `15m…8h`."""
    ends = dict.fromkeys(seconds[:1] + seconds[-1:])
    return "…".join(EVEN.sub("", units.show_duration(end)) for end in ends) or "–"
