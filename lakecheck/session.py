"""One run from spec to report: what every front end (command line, pytest, service) drives."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from lakecheck import plan
from lakecheck.documents import Context, Journal, Redactor, junit, read
from lakecheck.documents.journal import mend
from lakecheck.documents.result import Document
from lakecheck.engine import Engine, Limits, RunFolder, folder
from lakecheck.engine.ledger import Ledger
from lakecheck.engine.recorder import Editor, Listener, Recorder
from lakecheck.errors import EmptySelection, UsageError
from lakecheck.model import Case, Spec, Status
from lakecheck.views import report

ALL_PASSED, SOME_FAILED, INTERRUPTED, OUR_FAULT, WRONG_USE, NOTHING, TESTER = 0, 1, 2, 3, 4, 5, 10

Selected = dict[str, tuple[Case, str]]
log = logging.getLogger("lakecheck")


def redactor(spec: Spec) -> Redactor:
    """Knows the secrets that the spec's credentials name in clear text."""
    return Redactor()


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
        redactor=redactor(spec),
    )


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
        cases: Sequence[Case],
        selected: Selected,
        run: RunFolder,
        limits: Limits,
        listeners: Iterable[Listener] = (),
        keep: bool = False,
        done: Mapping[str, Status] | None = None,
        edit: Editor | None = None,
    ) -> None:
        self.spec = spec
        self.run = run
        self.selected = selected
        self.recorder = Recorder(
            selected,
            Journal(run.journal),
            context(spec, run),
            spec.credentials,
            listeners,
            keep=keep,
            edit=edit,
        )
        self.recorder.resume(done or {})
        self._ledger = Ledger(run.path / folder.LEDGER)
        todo = {name: check for name, check in selected.items() if name not in (done or {})}
        self.engine = Engine(
            todo, spec.credentials, context(spec, run), self.recorder, self._ledger, limits
        )
        self._cases = cases

    def plan_own(self, own: Mapping[str, Case]) -> None:
        """Take own tests in Python into the plan, and write it."""
        self.engine.desk.plan(own)
        for check, case in own.items():
            self.selected.setdefault(check, (case, "call"))
        self._cases = [*self._cases, *(c for c in own.values() if c not in self._cases)]
        self.write_plan()

    def write_plan(self) -> None:
        """Put plan.json on disk; a full disk is told and does not end the run."""
        chosen = {id(case) for case, _ in self.selected.values()}
        totals = msgspec.to_builtins(
            plan.totals([case for case in self._cases if id(case) in chosen])
        )
        spec = {
            "name": self.spec.name,
            "digest": self.spec.digest,
            "inventory_digest": self.spec.inventory.digest,
            "paths": [os.path.abspath(path) for path in self.spec.files],
        }
        written = folder.plan_document(self.run, spec, totals, list(self.selected))
        try:
            _replace(self.run.path / folder.PLAN, written)
        except OSError as error:
            log.warning("%s: %s", self.run.path / folder.PLAN, error.strerror)

    def documents(self) -> Iterator[Document]:
        """What the journal holds so far."""
        return read(self.run.journal)

    def finish(self) -> Unkept | None:
        """Close the journal, write junit.xml and report.html; tell what could not be kept."""
        left = self.recorder.journal.close()
        lost_lines = self._ledger.close()
        unkept = None
        if left:
            journal = self.recorder.journal
            unkept = Unkept(left, journal.trouble, journal.kept_at)
        elif lost_lines:
            log.warning("the clean-up ledger lacks %d lines: the disk is full", lost_lines)
        write_views(self.run.path)
        return unkept

    def exit_code(self, unkept: Unkept | None, interrupted: bool, wished: bool = False) -> int:
        """The process's exit code; `wished` where the run ended early because it was asked to."""
        return exit_code(self.documents(), interrupted, unkept is not None, wished)


def write_views(path: Path) -> None:
    """Write junit.xml and report.html of a run's folder from its journal."""
    with contextlib.suppress(OSError):
        junit.write(path / folder.JUNIT, read(path))
    planned: dict[str, Any] | None = None
    with contextlib.suppress(UsageError):
        planned = folder.read_plan(path)
    with contextlib.suppress(OSError):
        report.write(path, read(path), planned)


def exit_code(
    documents: Iterable[Document], interrupted: bool, unkept: bool, wished: bool = False
) -> int:
    """Pytest's codes, and 10 where the tester failed; a blocked check counts as its blocker."""
    statuses = {}
    failed = error = unreached = False
    waiting: list[tuple[str, Document]] = []
    for document in documents:
        status = document["status"]
        if status == "blocked":
            waiting.append((str(document.get("blocked_by", "")), document))
            continue
        if document.get("blocked_by") is None:
            statuses[junit.address(document)] = status
        failed = failed or status == "failed"
        error = error or status == "error"
        unreached = unreached or status == "not_run"
    for blocker, document in waiting:
        ours = statuses.get(blocker) == "error" or document.get("error.side") == "tester"
        failed, error = failed or not ours, error or ours
    if interrupted or (unreached and not wished):
        return INTERRUPTED
    if unkept:
        return TESTER
    if failed:
        return SOME_FAILED
    return TESTER if error else ALL_PASSED


def prepare(
    spec: Spec,
    selection: plan.Selection,
    reports: Path,
    into: Path | None = None,
    limits: Limits | None = None,
    listeners: Iterable[Listener] = (),
) -> RunSession:
    """Plan and select a new run; EmptySelection where no check is left."""
    cases = plan.expand(spec)
    selected = plan.select(cases, selection)
    if not selected:
        raise EmptySelection("no check is selected")
    run = RunFolder.create(reports, into)
    return RunSession(spec, cases, selected, run, limits or Limits(), listeners)


def resume(
    spec: Spec,
    path: Path,
    limits: Limits | None = None,
    listeners: Iterable[Listener] = (),
) -> RunSession:
    """Go on with a run that was begun before: what has a document is not repeated."""
    run, planned = RunFolder.reopen(path)
    if planned["spec"]["digest"] != spec.digest:
        raise UsageError(
            f"the spec has changed since {run.id} was planned; "
            "close that run with `lakecheck close` and begin a new one"
        )
    cases = plan.expand(spec)
    every = {
        address: (case, step)
        for case in cases
        for step, address in zip(case.steps, case.checks, strict=True)
    }
    selected = {name: every[name] for name in planned["checks"] if name in every}
    mend(run.journal)
    done: dict[str, Status] = {
        junit.address(document): document["status"] for document in read(run.journal)
    }
    return RunSession(spec, cases, selected, run, limits or Limits(), listeners, done=done)


def _replace(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all."""
    fresh = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    try:
        fresh.write_bytes(content)
        fresh.replace(path)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise
