"""One case, step by step, with a probe that does what a test says."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from lakecheck.documents.result import Result
from lakecheck.engine.aims import Aim
from lakecheck.engine.executor import Execution, Outcome
from lakecheck.engine.ledger import Created, Ledger
from lakecheck.errors import (
    Corrupt,
    DriverError,
    Full,
    Missing,
    TesterFailed,
    TlsFailed,
    Unreachable,
)
from lakecheck.model import Case, Status, Test
from lakecheck.probes.base import Measured, Tools
from lakecheck.probes.functional import KIND
from tests.engine.test_scheduler import endpoint

Does = Callable[[], Awaitable[None]]


class Storage:
    """Only deletes, as clean-up does."""

    def __init__(self, does: Does) -> None:
        self._does = does
        self.deleted: list[str] = []

    async def delete(self, url: str) -> None:
        await self._does()
        self.deleted.append(url)


class OwnTools:
    """The tools of one case, with a ledger in memory."""

    def __init__(self, case: Case, storage: Storage) -> None:
        self.case = case
        self.storage = storage
        self.url = "davs://r.example.org:443/x/lakecheck/file"
        self.maybe_there = False

    def creating(self) -> None:
        self.maybe_there = True

    def removed(self) -> None:
        self.maybe_there = False

    def forget(self) -> None:
        self.maybe_there = False

    async def clean(self) -> int:
        """Remove the file; give whether there was one."""
        try:
            await self.storage.delete(self.url)
        except Missing:
            self.maybe_there = False
            return 0
        self.maybe_there = False
        return 1


class Play:
    """Executes a functional case whose steps do what they are told, and remembers all."""

    def __init__(
        self, steps: dict[str, Does], selected: tuple[str, ...] = (), timeout: float = 60.0
    ) -> None:
        test = Test(name="t", kind="functional", options=None, timeout=timeout)
        names = tuple(step.name for step in KIND.steps)
        self.case = Case(test=test, id="R.davs", place="R", steps=names, endpoint=endpoint("R"))
        self.ran: list[str] = []
        self.results: dict[str, Result] = {}
        self.outcomes: list[Outcome] = []
        self.storage = Storage(steps.get("remove", nothing))
        self.tools = OwnTools(self.case, self.storage)
        probe = {name: self._step(name, steps.get(name, nothing)) for name in names}
        aim = Aim(self.case, KIND, probe, frozenset(selected or names))
        self.execution = Execution(
            aim,
            self.tools,  # type: ignore[arg-type]
            self._emit,
            lambda outcome, result: self.outcomes.append(outcome),
        )

    def _step(self, name: str, does: Does) -> Callable[[Tools], Awaitable[Measured]]:
        async def step(tools: Tools) -> Measured:
            self.ran.append(name)
            if name == "upload":
                tools.creating()
            await does()
            if name == "delete":
                tools.removed()
            return Measured()

        return step

    def _emit(self, result: Result) -> Status:
        assert result.step not in self.results
        self.results[result.step] = result
        return result.status

    def run(self) -> dict[str, str]:
        asyncio.run(asyncio.wait_for(self.execution.run(), 20))
        return {name: result.status for name, result in self.results.items()}


async def nothing() -> None:
    """Pass."""


def fails(error: Exception) -> Does:
    async def fail() -> None:
        raise error

    return fail


async def hangs() -> None:
    await asyncio.Event().wait()


ALL = ("upload", "stat", "checksum", "download", "delete")


def test_all_steps_run_in_order() -> None:
    play = Play({})

    assert play.run() == dict.fromkeys(ALL, "passed")
    assert play.ran == list(ALL)
    assert play.storage.deleted == []


def test_what_needs_a_failed_step_is_blocked_by_it_with_its_error() -> None:
    error = Corrupt("torn")
    play = Play({"upload": fails(error)})

    statuses = play.run()

    assert statuses == {
        "upload": "failed",
        "stat": "blocked",
        "checksum": "blocked",
        "download": "blocked",
        "delete": "passed",  # what the upload left was removed
    }
    assert play.results["stat"].blocked_by == "t::R.davs.upload"
    assert play.results["stat"].error is error


def test_what_does_not_need_a_failed_step_runs() -> None:
    play = Play({"stat": fails(Corrupt("half"))})

    assert play.run() == dict.fromkeys(ALL, "passed") | {"stat": "failed"}


def test_after_a_lost_connection_something_may_be_there() -> None:
    play = Play({"upload": fails(Unreachable("connection refused"))})

    assert play.run()["delete"] == "passed"


def test_nothing_is_removed_where_nothing_can_have_been_created() -> None:
    play = Play({"upload": fails(TlsFailed("a stranger's certificate"))})

    assert play.run()["delete"] == "blocked"
    assert play.storage.deleted == []
    assert not play.tools.maybe_there


def test_a_file_that_was_uploaded_is_removed_even_if_the_storage_is_unreachable_later() -> None:
    play = Play({"stat": fails(Unreachable("gone")), "delete": fails(Full("odd"))})

    assert play.run()["delete"] == "failed"
    assert play.tools.maybe_there  # the ledger keeps it


def test_the_time_is_the_whole_cases_and_what_it_did_not_suffice_for_is_blocked() -> None:
    play = Play({"checksum": hangs}, timeout=0.2)

    statuses = play.run()

    assert statuses == {
        "upload": "passed",
        "stat": "passed",
        "checksum": "failed",
        "download": "blocked",
        "delete": "passed",
    }
    assert play.results["checksum"].error is not None
    assert play.results["checksum"].error.error_class == "timeout"
    assert play.results["download"].blocked_by == "t::R.davs.checksum"
    assert "download" not in play.ran


def test_a_silent_case_is_told_from_one_that_was_answered() -> None:
    silent, answered = Play({"upload": hangs}, timeout=0.1), Play({"stat": hangs}, timeout=0.1)

    silent.run()
    answered.run()

    assert "silent" in silent.outcomes
    assert "silent" not in answered.outcomes
    assert "broken" in answered.outcomes


def test_clean_up_that_hangs_ends() -> None:
    play = Play({"upload": hangs, "remove": hangs}, timeout=0.1)

    assert play.run()["delete"] == "blocked"
    assert play.tools.maybe_there


def test_a_probes_own_mistake_is_ours() -> None:
    play = Play({"upload": fails(ZeroDivisionError("oh"))})

    assert play.run()["upload"] == "error"
    assert isinstance(play.results["upload"].error, TesterFailed)
    assert "ZeroDivisionError: oh" in play.results["upload"].error.message


def test_a_crash_while_removing_ends_nothing() -> None:
    play = Play({"upload": fails(Full("no room")), "remove": fails(ZeroDivisionError("oh"))})

    assert play.run() == dict.fromkeys(ALL, "blocked") | {"upload": "failed"}


def test_gone_already_is_not_removed() -> None:
    play = Play({"upload": fails(Full("no room")), "remove": fails(Missing("not there"))})

    assert play.run()["delete"] == "blocked"
    assert not play.tools.maybe_there


def test_needed_steps_run_without_a_result() -> None:
    play = Play({}, selected=("download",))

    assert play.run() == {"download": "passed"}
    assert play.ran == ["upload", "download", "delete"]


def test_a_needed_step_that_fails_blocks_the_selected_one_with_its_error() -> None:
    error: DriverError = Full("no room")
    play = Play({"upload": fails(error)}, selected=("download",))

    assert play.run() == {"download": "blocked"}
    assert play.results["download"].blocked_by == "t::R.davs.upload"
    assert play.results["download"].error is error


def interrupted(play: Play, at: str) -> dict[str, str]:
    async def both() -> None:
        running = asyncio.create_task(play.execution.run())
        while at not in play.ran:
            await asyncio.sleep(0)
        play.execution.interrupt()
        await asyncio.wait_for(running, 20)

    asyncio.run(both())
    return {name: result.status for name, result in play.results.items()}


def test_an_interrupted_case_is_cleaned_up() -> None:
    play = Play({"stat": hangs})

    assert interrupted(play, "stat") == {
        "upload": "passed",
        "stat": "not_run",
        "checksum": "not_run",
        "download": "not_run",
        "delete": "passed",
    }
    assert not play.tools.maybe_there


def test_an_interruption_does_not_end_the_clean_up_itself() -> None:
    async def slow() -> None:
        await asyncio.sleep(0.2)

    play = Play({"delete": slow})

    assert interrupted(play, "delete") == dict.fromkeys(ALL, "passed")


def test_a_case_interrupted_before_it_began_runs_nothing() -> None:
    play = Play({})
    play.execution.interrupt()

    assert play.run() == dict.fromkeys(ALL, "not_run")
    assert play.ran == []


def test_a_ledger_remembers_across_processes(tmp_path: Path) -> None:
    path = tmp_path / "created.ndjson"
    first = Ledger(path)
    first.creating(Created("davs://a:1/x/1", "davs://a:1/x"))
    first.creating(Created("davs://a:1/x/2", "davs://a:1/x", credential="robot", driver="native"))
    first.gone("davs://a:1/x/1")
    first.close()
    with path.open("ab") as file:
        file.write(b'{"url":"davs://a:1/x/torn')

    again = Ledger(path)

    assert again.left == (
        Created("davs://a:1/x/2", "davs://a:1/x", credential="robot", driver="native"),
    )
    again.gone("davs://a:1/x/2")
    again.close()
    assert Ledger(path).left == ()
    assert path.read_bytes().endswith(b"\n")
