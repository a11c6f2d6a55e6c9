"""Rucio's own command, asked of the Rucio that a spec names."""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from lakecheck.drivers.rucio import Options
from lakecheck.model import ServiceChoice

COMMAND = "rucio "


def addressed(lines: Iterable[str], choice: ServiceChoice | None) -> list[str]:
    """Give commands with the server and account; who asks, your own rucio.cfg says."""
    if choice is None:
        return list(lines)
    options: Options = choice.options
    account = ["--account", options.account] if options.account else []
    hosts = ["--hostname", choice.url, "--auth-host", options.auth or choice.url]
    head = shlex.join([COMMAND.strip(), *hosts, *account])
    return [
        f"{head} {line.removeprefix(COMMAND)}" if line.startswith(COMMAND) else line
        for line in lines
    ]
