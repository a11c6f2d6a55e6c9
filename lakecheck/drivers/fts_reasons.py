"""FTS's reasons, such as `SOURCE [2] Failed to stat file`, in our classes and sides."""

from __future__ import annotations

import re

from lakecheck.drivers.classify import host_of
from lakecheck.drivers.classify_gfal2 import explain
from lakecheck.drivers.fts import FileReport, JobReport
from lakecheck.errors import Corrupt, DriverError, Missing, Side, Unclassified
from lakecheck.model import Credential

# SCOPE, sometimes the phase in words, the errno in brackets, gfal2's own message.
REASON = re.compile(
    r"^\s*(?P<scope>[A-Z]+)(?P<phase>[ A-Z_]*?)\s*\[(?P<code>\d+)\]\s*(?P<message>.*)$", re.S
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
CHECKSUMS = re.compile(r"checksum\S* .*(match|differ|mismatch)", re.I)


def explain_file(file: FileReport, credential: Credential) -> DriverError:
    """Give the error of a file that did not finish."""
    if file.state == "CANCELED" and not file.reason:
        return Unclassified("FTS says that the file was cancelled, and not by us", side="service")
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
    error.message, error.args = file.reason.strip(), (file.reason.strip(),)
    if error.side not in ("tester", "network"):
        error.side, error.host = side, _host(side, file)
    error.phase = found["phase"].strip().lower().replace(" ", "_") or error.phase
    return error


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
