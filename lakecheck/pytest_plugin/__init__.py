"""The pytest plug-in: specs are collected, each check is an item, one engine runs them all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lakecheck import registry
from lakecheck.pytest_plugin import hooks
from lakecheck.pytest_plugin.fixtures import (
    credential,
    endpoint,
    lakecheck_place,
    link,
    rse,
    storage,
)
from lakecheck.pytest_plugin.keys import FAULTY, WRONG_USE, begun, state_of

if TYPE_CHECKING:
    from lakecheck.pytest_plugin.items import LakeFile

__all__ = ["credential", "endpoint", "lakecheck_place", "link", "rse", "storage"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of the plug-in, in a group of their own."""
    group = parser.getgroup("lakecheck", "data lakes")
    group.addoption("--rse", action="append", default=[], metavar="RSE", help="only this RSE")
    group.addoption(
        "--protocol", action="append", default=[], metavar="PROTOCOL", help="only this protocol"
    )
    group.addoption("--no-ship", action="store_true", help="publish no documents at the end")
    group.addoption("--reports", metavar="DIR", help="the run's folder itself")
    parser.addini(
        "lakecheck_specs", "specs whose RSEs own tests run over", type="paths", default=None
    )


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Offer lakecheck's hooks to conftest files and other plug-ins."""
    pluginmanager.add_hookspecs(hooks)


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marks, and keep the run's state with the configuration."""
    for kind in registry.names("kinds"):
        where = "own tests over a spec's RSEs" if kind == "python" else "from specs"
        config.addinivalue_line("markers", f"{kind}: checks of kind {kind}, {where}")
    config.addinivalue_line(
        "markers",
        "lakecheck(protocols=[…], on=EXPR, credentials=[…], timeout=DURATION): "
        "narrow the RSEs that an own test runs over",
    )

    config.pluginmanager.register(Faults(config), "lakecheck-faults")
    # Links are named `A~B`, which is no word for pytest's `-k`; items answer to `A+B` too.
    config.option.keyword = config.option.keyword.replace("~", "+")
    for option in ("keyword", "markexpr"):
        _compiled(option, getattr(config.option, option))


def _compiled(option: str, text: str) -> None:
    """Refuse a faulty `-k` or `-m` before anything is started; xdist's workers would do it late."""
    from _pytest.mark.expression import Expression

    try:
        Expression.compile(text)
    except SyntaxError as error:
        flag = {"keyword": "-k", "markexpr": "-m"}[option]
        raise pytest.UsageError(f"Wrong expression passed to '{flag}': {text}: {error}") from None


class Faults:
    """Notes specs that do not validate, whichever process found them out."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Take note of a spec that could not be collected."""
        if report.failed and report.nodeid.endswith(".lake.yaml"):
            self._config.stash[FAULTY] = True


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> LakeFile | None:
    """Collect `*.lake.yaml`."""
    if not file_path.name.endswith(".lake.yaml"):
        return None
    from lakecheck.pytest_plugin.items import LakeFile

    file: LakeFile = LakeFile.from_parent(parent, path=file_path)
    return file


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Let own tests run once a place of the inventory."""
    if "lakecheck_place" in metafunc.fixturenames:
        from lakecheck.pytest_plugin.own import narrow

        places = narrow(metafunc, state_of(metafunc.config))
        metafunc.parametrize(
            "lakecheck_place", places, ids=[place.id for place in places], indirect=True
        )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let own tests answer to their addresses, and keep to the RSEs that were asked for."""
    state = begun(config)
    if state is not None:
        state.name(items)
        left = state.narrow(items)
        if left:
            config.hook.pytest_deselected(items=left)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> None:
    """Start the engine once the selection stands; pytest's own loop follows."""
    state = begun(session.config)
    if state is None or session.config.option.collectonly or session.testsfailed:
        return
    if state.is_worker:
        state.announce(session.items)
    elif not state.distributes:
        state.begin_items(session.items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(node: Any, ids: list[str]) -> None:
    """Start the engine in the controller, with what the first worker has collected."""
    state_of(node.config).begin_ids(ids)


@pytest.hookimpl(optionalhook=True)
def pytest_handlecrashitem(crashitem: str, report: Any, sched: Any) -> None:
    """Give an own test that ended its process a document: that is the tester's trouble."""
    document = state_of(sched.config).crashed(crashitem)
    if document and sched.config.getoption("xmlpath", None):
        from lakecheck.documents.junit import properties

        report.user_properties = list(properties(document))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell an xdist worker where the engine will answer."""
    node.workerinput["lakecheck"] = state_of(node.config).for_workers()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Report a check with the document that the engine made of it."""
    if begun(item.config) is None:
        return None
    from lakecheck.pytest_plugin import items, reporting

    if not isinstance(item, items.CheckItem):
        return None
    reporting.run(item)
    return True


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[Any]) -> Iterator[None]:
    """Turn the outcome of an own test into a document."""
    outcome: Any = yield
    if begun(item.config) is not None:
        from lakecheck.pytest_plugin import own, reporting

        case = own.own_case(item)
        if case is not None:
            reporting.own(item, case, call, outcome.get_result())


def pytest_report_teststatus(
    report: pytest.CollectReport | pytest.TestReport, config: pytest.Config
) -> tuple[str, str, Any] | None:
    """Name the statuses that pytest has no word for."""
    if not getattr(report, "lakecheck", None):
        return None
    from lakecheck.pytest_plugin import reporting

    return reporting.teststatus(report)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """End the engine, leave a document for every planned check, set the exit code."""
    state = begun(session.config)
    if state is not None:
        state.end(session)
    elif session.config.stash.get(FAULTY, False):
        session.exitstatus = WRONG_USE


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what failed, where and on whose side, and where the results are."""
    state = begun(terminalreporter.config)
    if state is not None:
        state.summarise(terminalreporter)
