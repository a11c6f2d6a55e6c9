"""Options and arguments that several commands share."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from lakecheck.documents.junit_time import Times, time_of
from lakecheck.errors import UsageError
from lakecheck.plan import Selection

Command = Callable[..., Any]

specs = click.argument("specs", nargs=-1, type=click.Path(path_type=Path), metavar="[SPEC]…")
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
reports = click.option(
    "--reports-root",
    "reports",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("reports"),
    show_default=True,
    help="Where runs have their folders.",
)
PIPELINE = "CI_PIPELINE_CREATED_AT"  # GitLab's, the same for all jobs and their repetitions


class TimeType(click.ParamType[str]):
    """A time, or a day, as documents have it."""

    name = "time"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        """Read it; what cannot be read is told."""
        try:
            return time_of(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


at = click.option(
    "--at",
    type=TimeType(),
    metavar="TIME",
    help="When JUnit files are of that tell no time, such as 2026-11-21T09:00:00Z or 2026-11-21.  "
    f"[default: {PIPELINE} where it is set, else when the file was written]",
)


def times(at: str | None) -> Times:
    """The time of files that tell none; where it is only the file's own, it is said."""
    if at is None and (pipeline := os.environ.get(PIPELINE)):
        try:
            at = time_of(pipeline)
        except ValueError as error:
            raise UsageError(f"{PIPELINE}: {error}; --at says another") from None
    return Times(at or "", lambda told: click.echo(told, err=True))


_SELECTION = (
    click.option(
        "-k", "keyword", default="", metavar="EXPR", help="Words in addresses, as for pytest."
    ),
    click.option("-m", "kinds", multiple=True, metavar="KIND", help="Only tests of this kind."),
    click.option("-t", "--test", "tests", multiple=True, metavar="TEST", help="Only this test."),
    click.option("--rse", "rses", multiple=True, metavar="RSE", help="Only on this RSE."),
    click.option(
        "--protocol",
        "protocols",
        multiple=True,
        metavar="PROTOCOL",
        help="Only this protocol.",
    ),
)


def selection(command: Command) -> Command:
    """Add the options that select checks; `chosen` makes a Selection of them."""
    for option in reversed(_SELECTION):
        command = option(command)
    return command


def chosen(options: dict[str, Any]) -> Selection:
    """Take the selection out of a command's options."""
    return Selection(
        keyword=options.pop("keyword"),
        kinds=tuple(options.pop("kinds")),
        tests=tuple(options.pop("tests")),
        rses=tuple(options.pop("rses")),
        protocols=tuple(options.pop("protocols")),
    )


def spec_paths(specs: tuple[Path, ...]) -> tuple[Path, ...]:
    """Specs named on the command line; `specs/` where there are none."""
    if not specs and not Path("specs").exists():
        raise UsageError("there is no folder specs here; name spec files, or folders with some")
    return specs or (Path("specs"),)
