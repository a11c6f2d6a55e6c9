"""What one pytest process knows of the run: spec, selection, engine or the way to it."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import msgspec
import pytest

from lakecheck import plan, session, spec
from lakecheck.credentials.secrets import known_secrets
from lakecheck.documents import Redactor
from lakecheck.documents.result import Document, Result
from lakecheck.engine import Limits, RunFolder
from lakecheck.engine.client import Client, Local, OwnStorage, Remote
from lakecheck.engine.folder import new_id
from lakecheck.engine.socket import SOCKET
from lakecheck.errors import CatalogueError, LakecheckError, TesterFailed
from lakecheck.model import NOBODY, Case, Credential, Inventory, Spec
from lakecheck.plan.expand import CREDENTIALS
from lakecheck.pytest_plugin.discovery import own_specs, spec_files
from lakecheck.pytest_plugin.items import CheckItem
from lakecheck.pytest_plugin.keys import FAULTY, TESTER, WRONG_USE
from lakecheck.pytest_plugin.own import name_own, own_addresses, own_case, own_cases, split
from lakecheck.session import RunSession, Selected
from lakecheck.spec import Source
from lakecheck.views import summary
from lakecheck.views.console import Console

if TYPE_CHECKING:
    from lakecheck.sinks.shipper import Outcome


class State:
    """The run as this process sees it; only the controlling process has an engine."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.wrong = False  # a spec does not validate
        self.unread = False  # a catalogue is silent, and has no lock
        self.others_failed = False  # tests beside lakecheck's own
        self._session: RunSession | None = None
        self._client: Client | None = None
        self._folder: RunFolder | None = None
        self._run_id = ""
        self._hook_errors: dict[str, str] = {}
        self._signals: list[signal.Signals] = []
        self._unkept: session.Unkept | None = None
        self._shipped: list[Outcome] = []
        self._seconds = 0.0
        self._began = 0.0
        self._refreshed = False
        self._of_catalogues: list[str] = []  # what changed there, or which are silent

    @property
    def is_worker(self) -> bool:
        """Whether this is an xdist worker."""
        return hasattr(self.config, "workerinput")

    @property
    def distributes(self) -> bool:
        """Whether xdist workers run the tests."""
        return bool(getattr(self.config.option, "dist", "no") != "no")

    @cached_property
    def spec(self) -> Spec:
        """All `*.lake.yaml` that pytest collects, as one spec."""
        return self._load(spec_files(self.config))

    def _load(self, paths: Sequence[Path]) -> Spec:
        try:
            return spec.load(paths, refresh=self._refresh if self._refreshes else None)
        except CatalogueError as error:
            self.unread = True
            raise pytest.Collector.CollectError(str(error)) from None
        except LakecheckError as error:
            self.wrong = True
            raise pytest.Collector.CollectError(str(error)) from None

    @property
    def _refreshes(self) -> bool:
        """Whether catalogues are read: where tests will run, and by one process."""
        return not (self.is_worker or self._refreshed or self.config.option.collectonly)

    def _refresh(self, sources: Iterable[Source]) -> None:
        """Bring the locks of catalogues up to date, once a call of pytest."""
        from lakecheck import inventory  # loads an HTTP client, which other specs do not need

        self._of_catalogues += inventory.before_run(sources)
        self._refreshed = True

    def refresh_for_workers(self) -> None:
        """Do so before xdist's workers, which collect first, read the locks."""
        paths = spec_files(self.config) or own_specs(self.config)
        if not paths or not self._refreshes:
            return
        try:
            sources = spec.sources(paths)
            if sources:
                self._refresh(sources)
        except CatalogueError as error:
            pytest.exit(str(error), returncode=TESTER)
        except LakecheckError:
            pass  # workers tell it, with its place

    @cached_property
    def own_spec(self) -> Spec:
        """The spec whose inventory own tests run over."""
        collected = spec_files(self.config)
        if collected:
            return self.spec
        paths = own_specs(self.config)
        if not paths:
            self.wrong = True
            raise pytest.Collector.CollectError(
                "tests that take endpoint, link, rse or storage run over the RSEs of a spec, and "
                "there is none: put one into specs/, name it on the command line, or set "
                "lakecheck_specs in pytest's configuration"
            )
        return self._load(paths)

    def own_inventory(self) -> Inventory:
        """RSEs that own tests run over."""
        return self.own_spec.inventory

    def own_credential(self, name: str) -> Credential:
        """A credential of the spec by name."""
        return self.own_spec.credentials.get(name, NOBODY)

    def own_storage(self, item: pytest.Item) -> OwnStorage:
        """The storage of an own test's place, connected."""
        case = own_case(item)
        if case is None or case.endpoint is None:
            raise TesterFailed("storage needs a test that takes an endpoint too")
        return OwnStorage(self.client(), case)

    def name(self, items: Sequence[pytest.Item]) -> None:
        """Let `-k` find own tests by the address of their check, and `-m` by their kind."""
        name_own(items)

    def narrow(self, items: list[pytest.Item]) -> list[pytest.Item]:
        """Drop own tests that `--rse` and `--protocol` do not want; give those dropped."""
        taken, left = split(items, self.config.option)
        if left:
            items[:] = taken
        return left

    @cached_property
    def cases(self) -> list[Case]:
        """Planned cases, after the plan hook of conftest files."""
        cases = list(plan.expand(self.spec))
        self.config.hook.pytest_lakecheck_modify_plan(config=self.config, cases=cases)
        return cases

    @cached_property
    def checks(self) -> Selected:
        """Checks that `--rse` and `--protocol` leave, by address."""
        asked = plan.Selection(
            rses=tuple(self.config.option.rse), protocols=tuple(self.config.option.protocol)
        )
        try:
            plan.check_names(asked, self.spec)
        except LakecheckError as error:
            self.wrong = True
            raise pytest.Collector.CollectError(str(error)) from None
        return plan.select(self.cases, asked)

    def tests_of(self, path: Path) -> dict[str, list[tuple[Case, str]]]:
        """Tests that one file defines, with their checks; credentials go with the first file."""
        return self._by_file.get(path.resolve(), {})

    @cached_property
    def _by_file(self) -> dict[Path, dict[str, list[tuple[Case, str]]]]:
        files: dict[Path, dict[str, list[tuple[Case, str]]]] = {}
        for case, step in self.checks.values():
            tests = files.setdefault(self._home(case), {})
            tests.setdefault(case.test.name, []).append((case, step))
        return files

    @cached_property
    def _homes(self) -> dict[str, Path]:
        return {
            name: Path(test.origin.rpartition(":")[0]).resolve()
            for name, test in self.spec.tests.items()
        }

    def _home(self, case: Case) -> Path:
        if case.test.kind == CREDENTIALS:
            return next(iter(self._homes.values()))
        return self._homes[case.test.name]

    def folder(self) -> RunFolder:
        """The run's folder, made when it is first needed."""
        if self._folder is None:
            named = self.config.option.reports
            root = self.config.rootpath
            try:
                into = self.config.invocation_params.dir / named if named else None
                self._folder = RunFolder.create(root / "reports", into, self._run_id)
            except LakecheckError as error:
                raise pytest.UsageError(str(error)) from None
        return self._folder

    def begin_items(self, items: Sequence[pytest.Item]) -> None:
        """Start the engine with what this process has collected and selected."""
        own = own_cases(items)
        selected = {
            item.address: (item.case, item.step) for item in items if isinstance(item, CheckItem)
        }
        if selected or own:
            self.begin(selected, own, distributed=False)

    def begin_ids(self, ids: Sequence[str]) -> None:
        """Start the engine with what the workers have collected and selected."""
        if self._session is not None:
            return
        chosen = {name.partition(".lake.yaml::")[2] for name in ids}
        selected = {}
        if any(chosen):
            selected = {name: check for name, check in self.checks.items() if name in chosen}
        if selected or any(self._may_be_own(name) for name in ids):
            self.begin(selected, {}, distributed=True)

    def _may_be_own(self, nodeid: str) -> bool:
        """Whether a test's parameters name an RSE; its worker will tell for sure."""
        if "[" not in nodeid or not (spec_files(self.config) or own_specs(self.config)):
            return False
        parameters = nodeid.partition("[")[2]
        return any(name in parameters for name in self.own_inventory().rses)

    def announce(self, items: Sequence[pytest.Item]) -> None:
        """Tell the engine, from a worker, which own tests are planned."""
        own = own_cases(items)
        if own:
            self.client().ask({"ask": "plan", "cases": msgspec.to_builtins(own)})

    def crashed(self, nodeid: str) -> Document | None:
        """Document an own test that ended the worker it ran in; None where it is none."""
        if self._session is None:
            return None
        return self._session.engine.desk.crashed(own_addresses(nodeid))

    def for_workers(self) -> str:
        """Where workers find the engine: the folder that the run will have."""
        self.refresh_for_workers()
        if self._folder is None:
            named = self.config.option.reports
            if named:
                return str(self.config.invocation_params.dir / named)
            self._run_id = self._run_id or new_id()
            return str(self.config.rootpath / "reports" / self._run_id)
        return str(self._folder.path)

    def begin(self, selected: Selected, own: dict[str, Case], distributed: bool) -> None:
        """Write the plan and start the engine; own tests and workers keep its loop open."""
        self._began = time.monotonic()
        self._catch_signals()
        described = self.spec if selected else self.own_spec
        self._session = RunSession(
            described,
            selected,
            self.folder(),
            Limits(),
            keep=True,
            edit=self._edit if self._hooked() else None,
        )
        self._session.plan_own(own)
        self._session.engine.desk.planned = self._session.plan_own
        socket = self.folder().path / SOCKET if distributed else None
        self._session.engine.start(hold=bool(own) or distributed, socket=socket)
        self._client = Local(self._session.engine)

    def _catch_signals(self) -> None:
        """Let SIGTERM and SIGHUP end a run as Ctrl-C does: in order, with all its documents."""
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is signal.SIG_DFL:
                self._signals.append(number)
                signal.signal(number, _interrupt)

    def _restore_signals(self) -> None:
        for number in self._signals:
            signal.signal(number, signal.SIG_DFL)

    def _hooked(self) -> bool:
        hook = self.config.hook
        seen = (hook.pytest_lakecheck_result, hook.pytest_lakecheck_document)
        return any(each.get_hookimpls() for each in seen)

    def _edit(self, result: Result, document: Document) -> None:
        """Let conftest files hear of a result and add to its document."""
        hook = self.config.hook
        try:
            hook.pytest_lakecheck_result(config=self.config, result=result)
            hook.pytest_lakecheck_document(config=self.config, document=document)
            assert self._session is not None
            document.update(self._session.redactor.value(document))
        except Exception as error:  # a conftest's mistake must not cost a document
            self._hook_errors.setdefault(f"{type(error).__name__}: {error}", document["check"])

    @cached_property
    def redactor(self) -> Redactor:
        """Masks secrets in what own tests say."""
        if self._session is not None:
            return self._session.redactor
        return Redactor(known_secrets(self.own_spec.credentials.values()))

    def client(self) -> Client:
        """Whoever answers for the engine here."""
        if self._client is None:
            assert self.is_worker
            folder = Path(getattr(self.config, "workerinput")["lakecheck"])  # noqa: B009
            self._client = Remote(folder / SOCKET)
        return self._client

    def end(self, pytest_session: pytest.Session) -> None:
        """End the engine and the run's files, and set the exit code."""
        status = int(pytest_session.exitstatus)
        if self._session is None:
            faulty = self.wrong or self.config.stash.get(FAULTY, False)
            if (faulty or self.unread) and not self.others_failed:
                pytest_session.exitstatus = TESTER if self.unread else WRONG_USE
            return
        self._restore_signals()
        engine = self._session.engine
        engine.stop()
        engine.join()
        self._seconds = time.monotonic() - self._began
        self._unkept = self._session.finish()
        if status != session.INTERRUPTED and not self.config.getoption("no_ship"):
            self._shipped = self._session.ship(session.SHIP_WITHIN)
        # -x and --maxfail end early by wish: what was not reached says nothing more.
        wished = bool(pytest_session.shouldfail)
        code = self._session.exit_code(self._unkept, status == session.INTERRUPTED, wished)
        if self._hook_errors:
            code = session.OUR_FAULT
        if status in (session.ALL_PASSED, session.SOME_FAILED) and not self.others_failed:
            pytest_session.exitstatus = code

    def summarise(self, reporter: pytest.TerminalReporter) -> None:
        """Say what failed, where and on whose side, and where the results are."""
        for line in self._of_catalogues:
            reporter.write_line(f"inventory: {line}", yellow=True)
        if self._session is None:
            return
        reporter.section("lakecheck")
        console = Console(
            file=reporter._tw._file,
            force_terminal=reporter.hasmarkup,
            width=reporter._tw.fullwidth,
            highlight=False,
        )
        summary.show(
            console,
            self._session.documents(),
            seconds=self._seconds,
            folder=self._shown_folder(),
            planned=len(self._session.selected),
        )
        for error, check in self._hook_errors.items():
            reporter.write_line(f"a hook of a conftest.py failed at {check}: {error}", red=True)
        for outcome in self._shipped:
            from lakecheck.sinks.words import WAY_OUT, sentences

            for line in sentences(outcome, WAY_OUT):
                reporter.write_line(line, yellow=bool(outcome.pending or outcome.trouble))
        if self._unkept:
            where = f"they are in {self._unkept.where}" if self._unkept.where else "they are lost"
            reporter.write_line(
                f"{self._unkept.count} documents could not be written: "
                f"{self._unkept.trouble}; {where}"
            )

    def _shown_folder(self) -> Path:
        path = self.folder().path
        here = self.config.invocation_params.dir
        return path.relative_to(here) if path.is_relative_to(here) else path


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt(signal.Signals(number).name)
