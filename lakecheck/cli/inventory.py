"""`lakecheck inventory`: RSEs and endpoints, where they came from, and what changed there."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click
import msgspec

from lakecheck import spec as language
from lakecheck.cli import inventory_table, options
from lakecheck.cli.inventory_sync import sync
from lakecheck.errors import UsageError
from lakecheck.inventory import Differences, Refreshed, compare, operands, refresh_all
from lakecheck.inventory.differences import Change, Sign
from lakecheck.spec.locks import LeftOut
from lakecheck.spec.nodes import printable
from lakecheck.spec.operands import find
from lakecheck.views.console import Console

TESTER, DIFFERENT = 10, 2
MOST_LEFT_OUT = 10
SIGNS: dict[Sign, str] = {"+": "added", "-": "removed", "~": "changed"}
COLOURS: dict[Sign, str] = {"+": "green", "-": "red", "~": "yellow"}


@click.group()
def inventory() -> None:
    """RSEs and endpoints, and where they came from."""


inventory.add_command(sync)


@inventory.command()
@options.specs
@options.as_json
def show(specs: tuple[Path, ...], as_json: bool) -> None:
    """Show the RSEs of specs."""
    paths = options.spec_paths(specs)
    found = language.load(paths).inventory
    left_out = operands.left_out(language.sources(paths))
    if as_json:
        told = inventory_table.plain(found) | {"ignored": msgspec.to_builtins(left_out)}
        click.echo(json.dumps(told, indent=2, ensure_ascii=False))
        return
    # Off a terminal nothing is known of the width, and a cut URL is of no use.
    console = Console()
    if not console.is_terminal:
        console = Console(width=inventory_table.widest(found), highlight=False)
    console.print(inventory_table.table(found))
    _say_left_out(console.print, left_out)


@inventory.command()
@options.specs
@options.as_json
def update(specs: tuple[Path, ...], as_json: bool) -> int:
    """Read the catalogues of specs again, write their locks, and show what changed."""
    sources = language.sources(options.spec_paths(specs))
    if not sources:
        raise UsageError(
            "these specs name no catalogue; write one, such as inventory: {cric: {url: https://…}}"
        )
    outcomes = refresh_all(sources)
    if as_json:
        plain = {"catalogues": [_plain_outcome(each) for each in outcomes]}
        click.echo(json.dumps(plain, indent=2, ensure_ascii=False))
    else:
        for each in outcomes:
            _show_outcome(each)
    return TESTER if any(each.trouble for each in outcomes) else 0


@inventory.command()
@click.argument("before", metavar="SOURCE")
@click.argument("after", metavar="SOURCE")
@options.specs
@options.as_json
def diff(before: str, after: str, specs: tuple[Path, ...], as_json: bool) -> int:
    """Compare two catalogues: cric, rucio, fts_config, lock, a lock file, or cric:URL."""

    def sources() -> tuple[language.Source, ...]:
        return language.sources(options.spec_paths(specs))

    sides = [find(operand, sources) for operand in (before, after)]
    found = compare(*map(operands.catalogue, sides))
    if as_json:
        click.echo(json.dumps(_plain(found), indent=2, ensure_ascii=False))
    else:
        console = Console(highlight=False, soft_wrap=True)
        _show_changes(console, found)
        console.print(_counted(found))
    return DIFFERENT if found.changes else 0


def _plain(found: Differences) -> dict[str, Any]:
    return {
        "added": found.rses("+"),
        "removed": found.rses("-"),
        "changed": found.rses("~"),
        "changes": msgspec.to_builtins(found.changes),
    }


def _plain_outcome(outcome: Refreshed) -> dict[str, Any]:
    lock = outcome.lock
    return {
        "catalogue": outcome.source.name,
        "from": outcome.source.address,
        "lock": str(outcome.source.lock),
        "trouble": outcome.trouble or None,
        "rses": len(lock.rses) if lock else 0,
        **_plain(outcome.differences),
        "ignored": msgspec.to_builtins(lock.ignored if lock else ()),
    }


def _show_outcome(outcome: Refreshed) -> None:
    console = Console(highlight=False, soft_wrap=True)
    if outcome.trouble:
        errors = Console(stderr=True, highlight=False, soft_wrap=True)
        errors.print(outcome.sentence, style="yellow", markup=False)
        return
    lock = outcome.lock
    assert lock is not None
    _show_changes(console, outcome.differences)
    count = f"{len(lock.rses)} RSE{'s' if len(lock.rses) != 1 else ''}"
    told = f"{outcome.source.name}: {_counted(outcome.differences)}; {count}"
    console.print(f"{told} in {outcome.source.lock}", markup=False)
    _say_left_out(console.print, lock.ignored)


def _show_changes(console: Console, found: Differences) -> None:
    """Print changes like a plan: a line for each RSE, indented ones for what is in it."""
    signs = {name: sign for sign in SIGNS for name in found.rses(sign)}
    last = ""
    for change in found.changes:
        if change.rse != last:
            last = change.rse
            sign = signs[last]
            console.print(f"{sign} {last}", style=f"bold {COLOURS[sign]}", markup=False)
        if change.what != "rse":
            line = printable(f"    {change.sign} {_told(change)}")
            console.print(line, style=COLOURS[change.sign], markup=False)


def _told(change: Change) -> str:
    known = [each for each in (change.before, change.after) if each is not None]
    if change.what == "endpoint":
        return known[0]
    return f"{change.what}: {' → '.join(known)}"


def _counted(found: Differences) -> str:
    told = [f"{len(found.rses(sign))} {word}" for sign, word in SIGNS.items() if found.rses(sign)]
    return ", ".join(told) or "no differences"


def _say_left_out(say: Callable[..., None], left_out: Iterable[LeftOut]) -> None:
    several = list(left_out)
    if not several:
        return
    say(f"{len(several)} left out of the catalogue, since they cannot be tested:")
    for each in several[:MOST_LEFT_OUT]:
        say(printable(f"    {each.what}: {each.why}"), markup=False, soft_wrap=True)
    if len(several) > MOST_LEFT_OUT:
        say(f"    … and {len(several) - MOST_LEFT_OUT} more; --json tells all")
