"""`lakecheck repro`: the commands that repeat one check by hand."""

from __future__ import annotations

import difflib
from pathlib import Path

import click

from lakecheck import plan, spec
from lakecheck.cli import options
from lakecheck.engine import repeat
from lakecheck.errors import UsageError


@click.command()
@click.argument("check")
@options.specs
def repro(check: str, specs: tuple[Path, ...]) -> int:
    """Print the commands that repeat one check by hand."""
    loaded = spec.load(options.spec_paths(specs))
    known = plan.select(plan.expand(loaded), plan.Selection())
    if check not in known:
        near = difflib.get_close_matches(check, known, n=1)
        hint = f'; did you mean "{near[0]}"?' if near else "; `lakecheck plan --list` shows all"
        raise UsageError(f'there is no check "{check}"{hint}')
    case, step = known[check]
    lines = repeat.commands(case, step, loaded.credentials)
    if not lines:
        raise UsageError(f"{check} has no commands that repeat it by hand")
    click.echo("\n".join(lines))
    return 0
