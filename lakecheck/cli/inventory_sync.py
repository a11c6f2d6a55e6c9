"""`lakecheck inventory sync`: what a Rucio lacks of another catalogue, and registering it there."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lakecheck import spec as language
from lakecheck.cli import options
from lakecheck.documents.exit_codes import TESTER
from lakecheck.spec.nodes import printable
from lakecheck.spec.operands import find
from lakecheck.views.console import Console

if TYPE_CHECKING:
    from lakecheck.inventory.sync import Outcome
    from lakecheck.inventory.sync_plan import Step, SyncPlan

DIFFERENT = 2
COLOURS = {"+": "green", "-": "red", "~": "yellow"}
WORDS = {"+": "create", "~": "change", "-": "delete"}


@click.command()
@click.option(
    "--from",
    "origin",
    required=True,
    metavar="SOURCE",
    help="What is right: cric, lock, a lock file, cric:URL, rucio:FILE, fts:FILE.",
)
@click.option(
    "--to",
    "target",
    default="rucio",
    show_default=True,
    metavar="rucio",
    help="The Rucio server of inventory.rucio.",
)
@click.option("--apply", "applies", is_flag=True, help="Do it; without, it is only shown.")
@click.option("--prune", is_flag=True, help="Delete, too, what Rucio alone has.")
@options.specs
@options.as_json
def sync(
    specs: tuple[Path, ...], origin: str, target: str, applies: bool, prune: bool, as_json: bool
) -> int:
    """Register in Rucio the RSEs, protocols, attributes and distances of another catalogue."""
    from lakecheck.inventory import sync as syncing
    from lakecheck.inventory.sync_plan import plan

    def sources() -> tuple[language.Source, ...]:
        return language.sources(options.spec_paths(specs))

    rucio = syncing.destination(target, sources)
    found = plan(syncing.wanted(find(origin, sources)), syncing.there(rucio), prune)
    report = _Report(found, as_json)
    if applies:
        report.applied(syncing.apply(found.steps, rucio))
    else:
        report.planned()
    report.end(applies)
    return report.code(applies)


class _Report:
    """Tells steps as they come, or all of them as JSON at the end."""

    def __init__(self, found: SyncPlan, as_json: bool) -> None:
        self._plan = found
        self._as_json = as_json
        self._console = Console(highlight=False, soft_wrap=True)
        self._outcomes: list[Outcome] = []
        self._last = ""

    def planned(self) -> None:
        """Show all steps, RSE by RSE."""
        for step in sorted(self._plan.steps, key=lambda step: step.rse):
            self._show(step)

    def applied(self, outcomes: Iterable[Outcome]) -> None:
        """Show steps as they are done."""
        for outcome in outcomes:
            self._outcomes.append(outcome)
            self._show(outcome.step, outcome.error.message if outcome.error else "")

    def _show(self, step: Step, refusal: str = "") -> None:
        if self._as_json:
            return
        if step.rse != self._last:
            self._last = step.rse
            sign = step.sign if step.what == "rse" else "~"
            self._console.print(f"{sign} {step.rse}", style=f"bold {COLOURS[sign]}", markup=False)
        if step.what != "rse":
            line = printable(f"    {step.sign} {_told(step)}")
            self._console.print(line, style=COLOURS[step.sign], markup=False)
        if refusal:
            self._console.print(printable(f"      refused: {refusal}"), style="red", markup=False)

    def end(self, applied: bool) -> None:
        """Tell how much there is, and what to do next."""
        if self._as_json:
            click.echo(json.dumps(self._plain(applied), indent=2, ensure_ascii=False))
            return
        self._console.print(self._counted(applied), markup=False)
        if self._plan.kept:
            told = f"Rucio alone has {self._plan.kept} more"
            self._console.print(f"{told}, which stay; --prune deletes them", markup=False)
        for each in self._plan.ignored:
            self._console.print(printable(f"left out: {each}"), markup=False)

    @property
    def _done(self) -> list[Step]:
        return [each.step for each in self._outcomes if each.error is None]

    def _counted(self, applied: bool) -> str:
        steps = self._plan.steps
        if not steps:
            return "nothing to do"
        if not applied:
            return f"to {_count(steps)}; --apply does it"
        left = len(steps) - len(self._done)
        told = f"done: {_count(self._done) or 'nothing'}"
        return f"{told}; {left} of {len(steps)} left" if left else told

    def _plain(self, applied: bool) -> dict[str, Any]:
        return {
            "changes": [_plain(step) for step in self._plan.steps],
            "kept": self._plan.kept,
            "ignored": self._plan.ignored,
            "applied": len(self._done) if applied else None,
            "refused": [
                {**_plain(each.step), "why": each.error.message}
                for each in self._outcomes
                if each.error
            ],
        }

    def code(self, applied: bool) -> int:
        """Give 0 where all is as it shall be, 2 with differences, 10 if Rucio refused."""
        if not self._plan.steps:
            return 0
        if not applied:
            return DIFFERENT
        return 0 if len(self._done) == len(self._plan.steps) else TESTER


def _told(step: Step) -> str:
    known = [each for each in (step.before, step.after) if each is not None]
    return f"{step.what}: {' → '.join(known)}"


def _plain(step: Step) -> dict[str, Any]:
    return {
        "sign": step.sign,
        "rse": step.rse,
        "what": step.what,
        "before": step.before,
        "after": step.after,
    }


def _count(steps: Iterable[Step]) -> str:
    signs: list[str] = [step.sign for step in steps]
    return ", ".join(f"{word} {signs.count(sign)}" for sign, word in WORDS.items() if sign in signs)
