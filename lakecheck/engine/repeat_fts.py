"""The command of FTS's own client that submits what a test through FTS does."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator

from lakecheck.credentials import place
from lakecheck.model import Case, Credential

COMMAND = "fts-rest-transfer-submit"
EVERY = 2  # s between two looks at the job
SUMS = {
    "ADLER32": 'python3 -c "import sys,zlib; '
    "print('%08x' % zlib.adler32(open(sys.argv[1],'rb').read()))\"",
    "MD5": "md5sum <",
}


def submit(case: Case, source: str, destination: str, local: str, asking: Credential) -> str:
    """Copy one file through FTS, and wait for its end."""
    assert case.test.service is not None
    words = [COMMAND, "-s", case.test.service.url]
    if case.test.service.ca:
        words += ["--capath", case.test.service.ca]
    if asking.kind == "x509":
        words += ["--cert", place(asking), "--key", place(asking)]
    words += [*_options(case), "-b", "-i", str(EVERY), source, destination]
    line = shlex.join(words)
    if asking.kind == "token":
        line = line.replace(COMMAND, f'{COMMAND} --access-token "$(cat {asking.token})"', 1)
    return line + _checksum(case, local)


def _options(case: Case) -> Iterator[str]:
    """What the spec says of the job, in the words of the command."""
    from lakecheck.probes.fts_step import verification

    options = case.test.options
    yield from ("-C", verification(case)[0])
    if options.overwrite:
        yield "-o"
    yield from ("--retry", str(options.retry or -1))
    told = {
        "--priority": options.priority,
        "--activity": options.activity,
        "--bring-online": options.bring_online and round(options.bring_online),
        "--copy-pin-lifetime": options.pin and round(options.pin),
        "--job-metadata": options.metadata and json.dumps(options.metadata),
        "--file-metadata": options.file_metadata and json.dumps(options.file_metadata),
    }
    for name, value in told.items():
        if value:
            yield from (name, str(value))


def _checksum(case: Case, local: str) -> str:
    """The checksum's algorithm; where only one end is asked, also what it must be."""
    from lakecheck.probes.fts_step import verification

    verify, algorithm = verification(case)
    if verify == "none":
        return ""
    if verify == "both":
        return f" {algorithm}"
    return f' "{algorithm}:$({SUMS[algorithm]} {local} | cut -c-32)"'
