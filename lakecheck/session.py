"""One run from spec to report: what every front end (command line, pytest, service) drives."""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from lakecheck import plan
from lakecheck.credentials.secrets import known_secrets
from lakecheck.documents import Context, Journal, Redactor, junit, read
from lakecheck.documents.exit_codes import (
    ALL_PASSED,
    INTERRUPTED,
    NOTHING,
    OUR_FAULT,
    SOME_FAILED,
    TESTER,
    WRONG_USE,
    exit_code,
)
from lakecheck.documents.journal import mend
from lakecheck.documents.result import Document, Result
from lakecheck.documents.runlog import RunLog
from lakecheck.engine import Engine, Limits, RunFolder, folder
from lakecheck.engine.close import remove_left, remove_local
from lakecheck.engine.forgotten import undo, undo_own
from lakecheck.engine.ledger import Ledger
from lakecheck.engine.recorder import Editor, Listener, Recorder
from lakecheck.engine.remover import Removal, Remover
from lakecheck.engine.sessions import Sessions
from lakecheck.engine.socket import SOCKET
from lakecheck.errors import (
    EmptySelection,
    JournalError,
    SpecError,
    UsageError,
)
from lakecheck.model import Case, Inventory, Spec, Status, Test
from lakecheck.run_views import write_views
from lakecheck.sinks.base import secrets_of
from lakecheck.spec import load
from lakecheck.views import report
from lakecheck.views.failure import sentence

__all__ = [
    "ALL_PASSED",
    "INTERRUPTED",
    "NOTHING",
    "OUR_FAULT",
    "SOME_FAILED",
    "TESTER",
    "WRONG_USE",
    "Closed",
    "RunSession",
    "Unkept",
    "close",
    "context",
    "exit_code",
    "prepare",
    "resume",
    "write_views",
]

if TYPE_CHECKING:
    from lakecheck.sinks.shipper import Outcome

Selected = dict[str, tuple[Case, str]]
SHIP_WITHIN = 10.0  # seconds that a run's end waits for its sinks
log = logging.getLogger("lakecheck")


def context(spec: Spec, run: RunFolder) -> Context:
    """What all documents of a run share."""
    return Context(
        run_id=run.id,
        trigger=run.trigger,
        started=run.started,
        url=run.url,
        spec_name=spec.name,
        spec_digest=spec.digest,
        inventory_digest=spec.inventory.digest,
        attributes={name: rse.attributes for name, rse in spec.inventory.rses.items()},
        credentials=spec.credentials,
        redactor=Redactor(_secrets(spec)),
    )


def _secrets(spec: Spec) -> Iterator[str]:
    yield from known_secrets(spec.credentials.values())
    for choice in spec.publish:
        yield from secrets_of(choice.options)


class Unkept(Struct):
    """Documents that no disk took, and where they are now, if anywhere."""

    count: int
    trouble: str
    where: Path | None


class RunSession:
    """A prepared run: folder, journal, engine; nothing has started yet."""

    def __init__(
        self,
        spec: Spec,
        selected: Selected,
        run: RunFolder,
        limits: Limits,
        listeners: Iterable[Listener] = (),
        keep: bool = False,
        done: Mapping[str, Status] | None = None,
        edit: Editor | None = None,
        journal: Journal | None = None,
    ) -> None:
        """`done` is what an earlier part of the run has documented in `journal`."""
        self.spec = spec
        self.run = run
        self.selected = selected
        shared = context(spec, run)
        self.redactor = shared.redactor
        self.recorder = Recorder(
            selected,
            journal or _claimed(run),
            shared,
            spec.credentials,
            (*listeners, _note),
            keep=keep,
            edit=edit,
        )
        self.recorder.resume(done or {})
        self._ledger = Ledger(run.path / folder.LEDGER)
        self._remover = Remover(spec, self._ledger)
        self._left = self._ledger.left
        todo = {name: check for name, check in selected.items() if name not in (done or {})}
        self.engine = Engine(
            todo,
            spec.credentials,
            shared,
            self.recorder,
            self._ledger,
            limits,
            beside=self._tidy,
            after=partial(undo_own, spec, self._ledger),
        )
        self._log = RunLog(run.path / folder.LOG, self.redactor)

    async def _tidy(self, sessions: Sessions) -> None:
        """Remove what the killed part of this run has left, and what killed runs have."""
        await self._remover.remove(self._left, sessions)
        cases = [case for case, _ in self.selected.values()]
        await undo(self.spec, self.run.path, self._ledger, cases, sessions)

    def plan_own(self, own: Mapping[str, Case]) -> None:
        """Take own tests in Python into the plan, and write it."""
        self.engine.desk.plan(own)
        for check, case in own.items():
            self.selected.setdefault(check, (case, "call"))
        self.write_plan()

    def write_plan(self) -> None:
        """Begin run.log and put plan.json on disk; a full disk is told, and ends nothing."""
        self._log.open()
        log.info("run %s of %s: %d checks", self.run.id, self.spec.name, len(self.selected))
        totals = msgspec.to_builtins(plan.totals(plan.chosen_cases(self.selected)))
        spec = {
            "name": self.spec.name,
            "digest": self.spec.digest,
            "inventory_digest": self.spec.inventory.digest,
            "paths": [os.path.abspath(path) for path in self.spec.files],
        }
        written = folder.plan_document(self.run, spec, totals, list(self.selected))
        try:
            folder.replace(self.run.path / folder.PLAN, written)
        except OSError as error:
            log.warning("%s could not be written: %s", self.run.path / folder.PLAN, error.strerror)

    def documents(self) -> Iterator[Document]:
        """What the journal holds so far."""
        return read(self.run.journal)

    def abandon(self) -> None:
        """Leave at once: `not_run` for every check left; what is on storages stays there."""
        self.recorder.leave("the run was interrupted")
        self.recorder.close()
        self.engine.payloads.remove()

    def prepare_views(self) -> None:
        """Load what `finish` takes; worth it while the first answers are awaited."""
        report.prepare()

    def finish(self) -> Unkept | None:
        """Close the journal, write junit.xml and report.html; tell what could not be kept."""
        self.recorder.leave("the run ended early")
        left = self.recorder.close()
        lost_lines = self._ledger.close()
        unkept = None
        if left:
            journal = self.recorder.journal
            unkept = Unkept(left, journal.trouble, journal.kept_at)
            log.error("%d documents could not be written: %s", left, journal.trouble)
        elif lost_lines:
            log.warning("the clean-up ledger lacks %d lines: the disk is full", lost_lines)
        write_views(self.run.path)
        log.info("end: %s", dict(self.recorder.counts))
        self._log.close()
        return unkept

    def ship(self, within: float) -> list[Outcome]:
        """Ship the journal to where the spec publishes, for a while; a sink fails no run."""
        if not self.spec.publish:
            return []
        from lakecheck.sinks.shipper import ship
        from lakecheck.sinks.words import WAY_OUT, sentences

        outcomes = ship(self.run.journal, self.spec.publish, within)
        for outcome in outcomes:
            for told in sentences(outcome, WAY_OUT):
                log.info("%s", told)
        return outcomes

    def exit_code(self, unkept: Unkept | None, interrupted: bool, wished: bool = False) -> int:
        """The process's exit code; `wished` where the run ended early because it was asked to."""
        return exit_code(self.documents(), interrupted, unkept is not None, wished)


def _note(document: Document) -> None:
    """Say in run.log what did not pass."""
    if document["status"] != "passed":
        log.info("%s: %s", junit.address(document), sentence(document))


def _claimed(run: RunFolder) -> Journal:
    journal = Journal(run.journal)
    journal.claim()
    return journal


def prepare(
    spec: Spec,
    selection: plan.Selection,
    reports: Path,
    into: Path | None = None,
    limits: Limits | None = None,
    listeners: Iterable[Listener] = (),
) -> RunSession:
    """Plan and select a new run; EmptySelection where no check is left.

    UsageError where the selection names what there is not.
    """
    plan.check_names(selection, spec)
    cases = plan.expand(spec)
    selected = plan.select(cases, selection)
    if not selected:
        raise EmptySelection("no check is selected")
    run = RunFolder.create(reports, into)
    return RunSession(spec, selected, run, limits or Limits(), listeners)


def resume(
    spec: Spec,
    path: Path,
    limits: Limits | None = None,
    listeners: Iterable[Listener] = (),
) -> RunSession:
    """Go on with a run that was begun before: what has a document is not repeated.

    Own tests in Python, which only pytest can run, get `not_run`.
    """
    run, planned = RunFolder.reopen(path)
    if planned["spec"]["digest"] != spec.digest:
        raise UsageError(
            f"the spec has changed since {run.id} was planned; "
            "close that run with `lakecheck close` and begin a new one"
        )
    named = msgspec.structs.replace(spec, name=planned["spec"]["name"])
    cases = plan.expand(named)
    selected, foreign = _planned(planned, cases)
    journal, done, _ = _reopened(run)
    begun = RunSession(
        named, selected, run, limits or Limits(), listeners, done=done, journal=journal
    )
    for case, step in foreign.values():
        reason = "own tests are run by pytest, not by `lakecheck run`"
        begun.recorder.emit(Result(case, step, "not_run", time.time(), reason=reason))
    return begun


def _reopened(run: RunFolder) -> tuple[Journal, dict[str, Status], int]:
    """The journal of an earlier part, what it says, and the bytes of a torn last line."""
    journal = _claimed(run)
    cut = mend(run.journal)
    return journal, {junit.address(each): each["status"] for each in read(run.journal)}, cut


def _planned(planned: Mapping[str, Any], cases: Sequence[Case]) -> tuple[Selected, Selected]:
    """All checks of a written plan, and those among them that no case of the spec has."""
    every = {
        address: (case, step)
        for case in cases
        for step, address in zip(case.steps, case.checks, strict=True)
    }
    kinds = {test["name"]: test["kind"] for test in planned.get("tests", ())}
    selected: Selected = {}
    foreign: Selected = {}
    for address in planned["checks"]:
        if address not in every:
            foreign[address] = _stand_in(address, kinds)
        selected[address] = every.get(address) or foreign[address]
    return selected, foreign


def _stand_in(address: str, kinds: Mapping[str, str]) -> tuple[Case, str]:
    name, _, rest = address.partition("::")
    case, _, step = rest.rpartition(".")
    test = Test(name=name, kind=kinds.get(name, "python"), options=None)
    return Case(test=test, id=case, place="", steps=(step,)), step


class Closed(Struct):
    """What `close` did: bytes cut, documents added as `not_run`, what was removed."""

    run_id: str
    cut: int
    left: int
    removal: Removal | None
    trouble: str = ""  # why the specs could not be loaded, so that nothing was removed


def close(path: Path) -> Closed:
    """End a run that was killed: whole journal, a document for every check, clean storages."""
    run, planned = RunFolder.reopen(path)
    journal, done, cut = _reopened(run)
    (path / SOCKET).unlink(missing_ok=True)
    trouble = ""
    try:
        spec = load(planned["spec"]["paths"])
        # Files that are included by others may have another name than the run was begun with.
        spec = msgspec.structs.replace(spec, name=planned["spec"]["name"])
    except (SpecError, UsageError) as error:
        spec, trouble = _without_files(planned), str(error)
    shared = context(spec, run)
    selected, _ = _planned(planned, plan.expand(spec))
    with contextlib.closing(RunLog(run.path / folder.LOG, shared.redactor)) as lines:
        lines.open()
        recorder = Recorder(selected, journal, shared, spec.credentials, [_note])
        recorder.resume(done)
        left = recorder.leave("the run was killed")
        unkept = recorder.close()
        removal = None
        if not trouble:
            ledger = run.path / folder.LEDGER
            cases = [case for case, _ in selected.values()]
            removal = remove_left(run.id, ledger, spec, cases)
        remove_local(run.id)
        write_views(path)
        log.info("closed: %d checks were not run", left)
    if unkept:
        raise JournalError(f"{unkept} documents could not be written: {journal.trouble}")
    return Closed(run.id, cut, left, removal, trouble)


def _without_files(planned: Mapping[str, Any]) -> Spec:
    """A spec whose files can no longer be read, as far as the plan tells."""
    told = planned["spec"]
    inventory = Inventory({}, digest=told.get("inventory_digest", ""))
    return Spec(told["name"], inventory, {}, {}, digest=told["digest"])
