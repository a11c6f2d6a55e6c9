"""The step of a command: run it, and take its exit code and words as plug-ins mean them."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from typing import Any

from lakecheck.errors import (
    BadCredential,
    DriverError,
    Side,
    TesterFailed,
    TimedOut,
    Unclassified,
)
from lakecheck.model import Case
from lakecheck.probes.base import Measured, Steps, Tools
from lakecheck.probes.command import FOLDERS, ONCE, STEP, arguments, environment
from lakecheck.probes.perfdata import read
from lakecheck.probes.program import Program

OK, WARNING, CRITICAL, UNKNOWN = range(4)  # https://nagios-plugins.org/doc/guidelines.html
SEVERITY = {WARNING: "warning", CRITICAL: "critical"}
PHASE = "command"


async def command(tools: Tools) -> Measured:
    """Run the command; its exit code decides."""
    case = tools.case
    if "proxy" in case.test.options.names and tools.credential.kind != "x509":
        told = f'{{proxy}} is for X.509 proxies, and credential "{tools.credential.name}" is none'
        raise BadCredential(told, phase=PHASE)
    given = environment(case, tools.credential)
    words = arguments(case, tools.credential)
    name = os.path.basename(words[0])
    words[0] = _found(words[0], given["PATH"])
    program = Program(words, given)
    try:
        code = await program.wait()
    except asyncio.CancelledError:
        if not tools.late:
            raise
        limit = f"{case.test.timeout:g}s, the time of the whole case"
        told = _with(f"{name} did not end within {limit}, and was ended", program)
        late = TimedOut(told, side=_side(case), phase=PHASE)
        return Measured(error=late, severity="critical", measures=_measures(program))
    return Measured(
        error=_error(code, name, program, _side(case)),
        severity=SEVERITY.get(code, ""),
        measures={"exit": code, **_measures(program)},
    )


def _found(program: str, path: str) -> str:
    found = shutil.which(program, path=path)
    if found:
        return found
    if os.path.exists(program):
        raise TesterFailed(f"{program} may not be executed; run: chmod +x {program}", phase=PHASE)
    if "/" in program:
        raise TesterFailed(f"there is no program {program}", phase=PHASE)
    told = f'there is no program "{program}" in PATH, nor where plug-ins are: {", ".join(FOLDERS)}'
    raise TesterFailed(f"{told}. Debian has many in monitoring-plugins", phase=PHASE)


def _side(case: Case) -> Side:
    return "service" if case.place == ONCE and case.endpoint is None else "storage"


def _measures(program: Program) -> dict[str, Any]:
    said = read(program.output)
    found: dict[str, Any] = {f"command.perfdata.{name}": v for name, v in said.measures.items()}
    return found | ({"output": said.line} if said.line else {})


def _words(program: Program) -> str:
    """Give the first line that it printed, to its error output if nowhere else."""
    complaint = next(iter(program.complaints.strip().splitlines()), "")
    return read(program.output).line or complaint.strip()


def _with(told: str, program: Program) -> str:
    words = _words(program)
    return f"{told}: {words}" if words else told


def _error(code: int, name: str, program: Program, side: Side) -> DriverError | None:
    """Say what a code means: 0 to 3 as for plug-ins, anything else is our installation's fault."""
    if code == OK:
        return None
    if code in SEVERITY:
        said = _words(program) or f"{name} ended with code {code}, and said nothing"
        return Unclassified(said, code=code, side=side, phase=PHASE)
    if code == UNKNOWN:
        told = f"{name} could not tell"
    elif code < 0:
        told = f"{name} was ended by {signal.Signals(-code).name}"
    else:
        told = f"{name} ended with code {code}; a plug-in's are 0 to 3"
    return TesterFailed(_with(told, program), code=code, phase=PHASE)


STEPS: Steps = {STEP: command}
