"""The steps of a replication test by hand, with Rucio's own command."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from lakecheck.drivers.rucio_by_hand import addressed
from lakecheck.model import Case, Credential
from lakecheck.plan.matrix import size_label

if TYPE_CHECKING:
    from lakecheck.probes.replication import Options

HOUR = 3600  # seconds after which Rucio removes what was made by hand


def repeat(case: Case, step: str, _: Credential) -> list[str]:
    """Give the commands of a step, and of what it needs; the user's own rucio.cfg says who asks.

    `RULE` stands for the identifier that `rucio rule add` prints, `PFN` for a file's address.
    """
    options: Options = case.test.options
    upload = case.needs[0] if case.needs else case
    label = size_label(case.size)
    name = f"lakecheck-by-hand-{upload.place}-{label}"
    local, did = f"/tmp/{name}", f"{options.scope}:{name}"
    protocol = ["--protocol", options.protocol] if options.protocol else []
    lasting = ["--lifetime", str(HOUR)]
    sent = ["rucio", "upload", "--rse", upload.place, "--scope", options.scope]
    lines = [
        f"head -c {case.size} /dev/urandom > {shlex.quote(local)}",
        shlex.join([*sent, *lasting, *protocol, local]),
    ]
    listed = shlex.join(["rucio", "replica", "list", "file", "--all-states", did])
    service = case.test.service
    if not case.needs:
        return addressed([*lines, *([listed] if step == "register" else [])], service)
    rses = _wanted(case, options)
    lines += _rule(options, upload.place, rses, did)
    lines.append("rucio rule show RULE")
    if step == "replica":
        lines.append(listed)
    if step == "download":
        lines.append(
            shlex.join(["rucio", "download", "--dir", "/tmp", "--rses", rses, *protocol, did])
        )
    if step == "repaired":
        pfns = ["rucio", "replica", "list", "file", "--pfns", "--rses", rses, did]
        bad = "rucio replica state update bad --reason 'removed by hand' PFN"
        lines += [shlex.join(pfns), "gfal-rm PFN", bad, listed]
    return addressed([*lines, "rucio rule remove RULE"], service)


def _rule(options: Options, start: str, rses: str, did: str) -> list[str]:
    """Give the commands that ask for copies of what is on one RSE."""
    if options.transition:
        listed = shlex.join(["rucio", "rule", "list", "--did", did])
        return [listed, f"rucio rule move --rses {shlex.quote(rses)} RULE"]
    copies = str(options.rule.copies if options.rule else 1)
    source = [] if options.rule else ["--source-rses", start]
    asked = ["rucio", "rule", "add", "--copies", copies, "--rses", rses, *source]
    return [shlex.join([*asked, "--lifetime", str(HOUR), did])]


def _wanted(case: Case, options: Options) -> str:
    """Give the RSE expression of where copies are wanted."""
    if options.rule:
        return options.rule.to
    if options.transition:
        return options.transition.to
    assert case.endpoint is not None
    return case.endpoint.rse
