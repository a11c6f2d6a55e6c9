"""What Rucio passes on of storages and of FTS → our own errors; Rucio's wrapping is taken off."""

from __future__ import annotations

import re

from lakecheck.drivers import classify_gfal2, classify_xrootd
from lakecheck.drivers.fts import FileReport
from lakecheck.drivers.fts_reasons import explain_file
from lakecheck.errors import DriverError, Missing, Unclassified, Unsupported
from lakecheck.model import NOBODY, Credential

# Several transfers' errors are joined by a bar, each with the state that its request ended in.
_STATE = re.compile(r"^(?:RequestErrMsg\.)?(?P<state>[A-Z_]{5,}):\s*(?P<said>.*)$", re.S)
_XROOTD = re.compile(r"\[(3\d\d\d)\]")
_HTTP = re.compile(r"(?:HTTP|status code) [1-5]\d\d\b")


def of_storage(text: str, credential: Credential) -> DriverError:
    """Say why a storage did not take or give a file, as the upload and download clients tell it."""
    said = " ".join(text.replace("\\x00", " ").split()).rpartition("Details: ")[2]
    # A password is for Rucio: a storage was shown nothing.
    shown = credential if credential.kind in ("x509", "token") else NOBODY
    if found := _XROOTD.search(said):
        return classify_xrootd.explain(int(found[1]), said, "", shown)
    return classify_gfal2.explain(None, said, "davs:" if _HTTP.search(said) else "", shown)


def of_rule(
    state: str, text: str, source: str, destination: str, credential: Credential
) -> DriverError:
    """Say why a rule is stuck or suspended; both ends are names of RSEs."""
    error = _of_request(text.partition("|")[0], source, destination, credential)
    error.host = None  # which of an RSE's endpoints was used is not told
    said = text.strip().replace("RequestErrMsg.", "")  # a name of Rucio's own code
    error.message = f"the rule is {state}: {said or 'Rucio gives no reason'}"
    error.args = (error.message,)
    error.phase = error.phase or "rule"
    return error


def _of_request(text: str, source: str, destination: str, credential: Credential) -> DriverError:
    found = _STATE.match(text.strip())
    state, said = (found["state"], found["said"]) if found else ("", text)
    if state == "NO_SOURCES" or said.startswith("MissingSourceReplica"):
        return Missing(said, side="service")
    if state == "MISMATCH_SCHEME":
        return Unsupported(said, side="service")
    if state == "SUBMISSION_FAILED" or not said:
        return Unclassified(said, side="service")
    ends = f"davs://{source}", f"davs://{destination}"
    return explain_file(FileReport("FAILED", *ends, said), credential)
