"""The command line of the light client; `lakecheck publish` calls the same."""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, NoReturn

from lakecheck.publish import document as documents
from lakecheck.publish import gridprobe
from lakecheck.publish.sending import Sending
from lakecheck.publish.spool import REFUSED, Record, Spool, default_folder
from lakecheck.publish.stopping import Stop, stopping
from lakecheck.publish.target import WrongUse, parse, reason, scrubbed

LOST, INTERRUPTED, OUR_FAULT, WRONG_USE, TESTER = 1, 2, 3, 4, 10
TIMEOUT = 5.0  # seconds
FORMATS = ("json", "grid-probe")
URL = "LAKECHECK_PUBLISH"


class Outcome(NamedTuple):
    """An exit code, and what there is to say; nothing where all went well."""

    code: int
    sentence: str


def publish(
    what: Sequence[str],
    to: str | None = None,
    form: str = "json",
    spool: str | None = None,
    timeout: float = TIMEOUT,
    stop: Stop | None = None,
) -> Outcome:
    """Send a record, or keep it for the next call, when `stop` is deaf; raises WrongUse."""
    stop = stop or Stop()
    url = to or os.environ.get(URL, "")
    if not url:
        raise WrongUse(f"it is not said where records go: give --to URL, or set {URL}")
    targets = parse(url)
    if form == "grid-probe" and not targets[0].scheme.startswith("stomp"):
        raise WrongUse("HTTP takes JSON; --format grid-probe goes to a broker")
    if not 0 < timeout < float("inf"):
        raise WrongUse("--timeout is a number of seconds above 0")
    folder = Path(spool).expanduser() if spool else default_folder()
    records = [_record(each, form) for each in _documents(what)]
    kept = Spool(folder, targets[0].place)
    sending = Sending(targets, records, kept)
    try:
        sending.run(timeout)
        stop.deaf = True
    except KeyboardInterrupt:
        stop.deaf = True
        sending.troubles.append("it was interrupted")
        outcome = _kept(sending, kept)
        return outcome if outcome.code == LOST else Outcome(INTERRUPTED, outcome.sentence)
    return _kept(sending, kept)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `lakecheck-publish`; mistakes are sentences."""
    with stopping() as stop:
        return _run(arguments, stop)


def _run(arguments: Sequence[str] | None, stop: Stop) -> int:
    try:
        given = _parser().parse_intermixed_args(arguments)
        outcome = publish(given.what, given.to, given.format, given.spool, given.timeout, stop)
    except WrongUse as error:
        outcome = Outcome(WRONG_USE, str(error))
    except KeyboardInterrupt:
        outcome = Outcome(INTERRUPTED, "it was interrupted before it had a record")
    except SystemExit as ended:  # of --help
        return ended.code if isinstance(ended.code, int) else WRONG_USE
    except Exception as error:
        told = scrubbed(f"{type(error).__name__}: {error}", [])
        outcome = Outcome(OUR_FAULT, f"a fault of lakecheck's: {told}")
    if outcome.sentence and sys.stderr:
        with contextlib.suppress(OSError, ValueError):  # what is said cannot change what was done
            sys.stderr.write(f"lakecheck-publish: {outcome.sentence}\n")
            sys.stderr.flush()
    return outcome.code


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Say what is wrong as all else is said, without values: one may be a password."""
        raise WrongUse(re.sub(r"=.*", "=…", message) if "--" in message else message)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        "lakecheck-publish",
        description="Send one record to a broker or a server, or keep it for the next call.",
        epilog="Exit code: 0 sent, 1 lost (it is on standard error), 2 interrupted and kept, 3 a "
        "fault of lakecheck's, 4 wrong use, 10 kept for the next call or refused.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("what", nargs="+", metavar="KEY=VALUE…|FILE|-", help="a record; - is standard input")
    add("--to", metavar="URL", help="stomp://USER:PASSWORD@HOST:PORT/topic/NAME, stomp+ssl://…, "
        f"http(s)://…; several with commas between them  [default: ${URL}]")  # fmt: skip
    add("--format", choices=FORMATS, default=FORMATS[0], help="[default: %(default)s]")
    add("--spool", metavar="DIR", help="where what cannot be sent waits for the next call")
    add("--timeout", type=float, default=TIMEOUT, metavar="S", help="seconds for all of it  "
        "[default: %(default)s]")  # fmt: skip
    return parser


def _documents(what: Sequence[str]) -> list[documents.Document]:
    if len(what) != 1 or documents.PAIR.fullmatch(what[0]):
        return [documents.of_pairs(what)]
    name = "standard input" if what[0] == "-" else what[0]
    if what[0] == "-" and sys.stdin is None:
        raise WrongUse("standard input is closed")
    try:
        raw = sys.stdin.buffer.read() if what[0] == "-" else Path(what[0]).read_bytes()
        return documents.of_text(raw.decode())
    except OSError as error:
        raise WrongUse(f"{name} cannot be read ({reason(error)})") from None
    except UnicodeDecodeError as error:
        raise WrongUse(f"{name} is not in UTF-8 (byte {error.start})") from None
    except WrongUse as error:
        raise WrongUse(f"{name}: {error}") from None


def _record(document: documents.Document, form: str) -> Record:
    if form == "json":
        return Record(documents.encoded(document), "json")
    try:
        return Record(gridprobe.write(document).encode(), "probe")
    except ValueError as error:
        raise WrongUse(f"it cannot be written as a probe's record: {error}") from None


def _kept(sending: Sending, spool: Spool) -> Outcome:
    """Keep what is left, and say what became of the records."""
    told = [f"{REFUSED}: {words}; kept aside as {path}" for path, words in sending.aside]
    code = TESTER if sending.new or sending.refused else 0
    if sending.new:
        kept = _keep(list(sending.new), spool)
        code = kept.code
        told += ["; ".join(sending.troubles), kept.sentence]
    elif sending.behind:
        told.append(f"{sending.behind}; earlier records still wait in {spool.folder}")
    return Outcome(code, "; ".join(told))


def _keep(records: Sequence[Record], spool: Spool) -> Outcome:
    try:
        spool.keep(records)
    except OSError as error:
        lost = b"\n".join(record.body for record in records).decode()
        told = f"it cannot be kept in {spool.folder} either ({reason(error)}):\n{lost}"
        return Outcome(LOST, told)
    them = "the record is" if len(records) == 1 else f"the {len(records)} records are"
    waiting = spool.count()
    more = f"; {waiting} wait there" if waiting > len(records) else ""
    return Outcome(TESTER, f"{them} kept in {spool.folder} for the next call{more}")
