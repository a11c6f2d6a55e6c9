"""FTS's reasons, such as `SOURCE [2] Failed to stat file`, in our classes and sides."""

from __future__ import annotations

import re

from lakecheck.drivers.classify import host_of, side_of
from lakecheck.drivers.classify_gfal2 import explain
from lakecheck.drivers.fts import FileReport, JobReport
from lakecheck.errors import Corrupt, DriverError, Missing, Side, TimedOut, Unclassified
from lakecheck.model import Credential

# SCOPE, sometimes the phase in words, the errno in brackets, gfal2's own message.
REASON = re.compile(
    r"^\s*(?P<scope>[A-Z]+(?:_[A-Z]+)*)(?P<phase>[ A-Z_]*?)\s*\[(?P<code>\d+)\]\s*(?P<message>.*)$",
    re.S,
)
SCOPES: dict[str, Side] = {
    "SOURCE": "source",
    "DESTINATION": "destination",
    "TRANSFER": "transfer",
    "STAGING": "source",
    "ARCHIVING": "destination",
    "AGENT": "service",
    "GENERAL_FAILURE": "service",
}
# The destination pulls: a bare status is its answer, the source's is told as the remote side's.
ANSWERED = re.compile(r"^(Result )?HTTP \d{3}\b")
QUEUED = re.compile(r"stayed in the queue for too long", re.I)
CHECKSUMS = re.compile(r"checksum\S* .*(match|differ|mismatch)", re.I)


def explain_file(file: FileReport, credential: Credential) -> DriverError:
    """Give the error of a file that did not finish."""
    if QUEUED.search(file.reason):
        return TimedOut(f"FTS: {file.reason}", side="service", phase="queue")
    if file.state == "CANCELED":
        why = f": {file.reason}" if file.reason else ""
        told = f"FTS says that the file was cancelled, and not by us{why}"
        return Unclassified(told, side="service")
    found = REASON.match(file.reason)
    if not found:
        said = file.reason or f"FTS gives no reason for {file.state}"
        return _of_transfer(None, said, file, credential)
    code, message = int(found["code"]), found["message"]
    side = SCOPES.get(found["scope"], "transfer")
    if CHECKSUMS.search(message):
        return Corrupt(file.reason, code=code, side=side, phase="verify", host=_host(side, file))
    url = file.source if side == "source" else file.destination
    other = "" if side in ("source", "destination") else file.source
    error = explain(code, message, url, credential, source=other)
    error.message = f"{file.reason[: found.start('message')].strip()} {error.message}"
    error.args = (error.message,)
    if side == "transfer":
        side = _blamed(message)
    if error.side not in ("tester", "network"):
        error.side, error.host = side, _host(side, file)
    error.phase = found["phase"].strip().lower().replace(" ", "_") or error.phase
    return error


def _blamed(message: str) -> Side:
    """Tell which end a failed copy's message blames, if any."""
    return "destination" if ANSWERED.match(message) else side_of(message)


def explain_job(job: JobReport, url: str) -> DriverError:
    """Give the error of a job that has no files to tell it."""
    if job.lost:
        return Missing(f"FTS at {url} no longer knows the job {job.id}", side="service")
    said = job.reason or "it gives no reason"
    return Unclassified(f"FTS: the job {job.id} is {job.state}: {said}", side="service")


def _of_transfer(
    code: int | None, message: str, file: FileReport, credential: Credential
) -> DriverError:
    return explain(code, message, file.destination, credential, source=file.source)


def _host(side: Side, file: FileReport) -> str | None:
    if side == "source":
        return host_of(file.source)
    return host_of(file.destination) if side == "destination" else None
