"""Each fault, on every endpoint at once, as the field's own command lines see it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from lakecheck.devlake import Lake
from lakecheck.errors import LakecheckError
from tests.devlake.clients import HUNG, Clients

T = TypeVar("T")

PATIENCE = 2.5  # s; a client still waiting then hangs, as an answer takes 0.1 s

# What curl, xrdcp and gfal-copy exit with when nothing listens.
REFUSED = {"davs": 7, "root": 51, "gsiftp": 70}


class Case:
    """One endpoint with clients of its own; answers are exit codes."""

    def __init__(self, lake: Lake, rse: str, scheme: str, folder: Path) -> None:
        folder.mkdir()
        self.rse, self.scheme = rse, scheme
        self.clients = Clients(lake, folder)
        self._base = f"{lake.rses[rse].endpoints[scheme]}/{folder.parent.name}-{scheme}"

    def upload(self, name: str, patience: float = 60) -> int:
        return self.clients.upload(f"{self._base}-{name}", patience)

    def stat(self, name: str) -> int:
        return self.clients.stat(f"{self._base}-{name}", 60)

    def download(self, name: str, patience: float = 60) -> int:
        return self.clients.download(f"{self._base}-{name}", patience)

    def fetch(self, name: str) -> bytes:
        assert self.download(name) == 0, self.clients.said
        return self.clients.fetched.read_bytes()

    def shakes_hands(self) -> bool:
        """Say whether TLS comes about, whatever follows."""
        url = self._base.replace("davs:", "https:")
        self.clients.run(["curl", "-sv", "-k", "-m", "2", url])
        return "SSL connection using" in self.clients.said

    def __str__(self) -> str:
        return f"{self.rse}.{self.scheme}"


@pytest.fixture
def cases(spoiled: Lake, tmp_path: Path) -> list[Case]:
    return [
        Case(spoiled, name, scheme, tmp_path / f"{name}-{scheme}")
        for name, rse in spoiled.rses.items()
        for scheme in rse.endpoints
    ]


def of(cases: list[Case], ask: Callable[[Case], T]) -> dict[str, T]:
    """Ask all endpoints at the same time."""
    with ThreadPoolExecutor(len(cases)) as pool:
        return dict(zip(map(str, cases), pool.map(ask, cases), strict=True))


def all_of(cases: list[Case], answer: T) -> dict[str, T]:
    return {str(case): answer for case in cases}


@contextmanager
def fault(lake: Lake, kind: str) -> Iterator[None]:
    before = lake.rses
    try:
        for rse in before:
            lake.fault(rse, kind)
        assert {rse.fault for rse in lake.record.rses.values()} == {kind}
        assert lake.rses == before
        yield
    finally:
        for rse in before:
            lake.fault(rse, "none")


def test_refuse(spoiled: Lake, cases: list[Case]) -> None:
    with fault(spoiled, "refuse"):
        seen = of(cases, lambda case: case.upload("x"))
        assert seen == {str(case): REFUSED[case.scheme] for case in cases}
    assert of(cases, lambda case: case.upload("x")) == all_of(cases, 0)


@pytest.mark.parametrize("kind", ["hang", "hang-tls"])
def test_a_hang_is_silence_for_everything(spoiled: Lake, cases: list[Case], kind: str) -> None:
    with fault(spoiled, kind):
        assert of(cases, lambda case: case.upload("x", PATIENCE)) == all_of(cases, HUNG)
        secure = [case for case in cases if case.scheme == "davs"]
        assert of(secure, lambda case: case.shakes_hands()) == all_of(secure, kind == "hang-tls")
    assert of(cases, lambda case: case.upload("x")) == all_of(cases, 0)


def test_data_hang_while_questions_are_answered(spoiled: Lake, cases: list[Case]) -> None:
    assert of(cases, lambda case: case.upload("old")) == all_of(cases, 0)
    with fault(spoiled, "hang-data"):
        assert of(cases, lambda case: case.stat("old")) == all_of(cases, 0)
        assert of(cases, lambda case: case.upload("new", PATIENCE)) == all_of(cases, HUNG)
        assert of(cases, lambda case: case.download("old", PATIENCE)) == all_of(cases, HUNG)
    assert of(cases, lambda case: case.fetch("old") == case.clients.content) == all_of(cases, True)


def test_a_stranger_is_not_trusted(spoiled: Lake, cases: list[Case]) -> None:
    # Without TLS, root has no certificate that could be distrusted.
    expected = {"davs": 60, "gsiftp": 13, "root": 0}
    with fault(spoiled, "untrusted"):
        seen = of(cases, lambda case: case.upload("x"))
        assert seen == {str(case): expected[case.scheme] for case in cases}
    assert of(cases, lambda case: case.upload("x")) == all_of(cases, 0)


def test_a_full_storage_takes_no_more_but_gives(spoiled: Lake, cases: list[Case]) -> None:
    assert of(cases, lambda case: case.upload("old")) == all_of(cases, 0)
    with fault(spoiled, "full"):
        seen = of(cases, lambda case: case.upload("more"))
        assert not {HUNG, 0} & set(seen.values()), seen
        kept = of(cases, lambda case: case.fetch("old") == case.clients.content)
        assert kept == all_of(cases, True)
    assert of(cases, lambda case: case.upload("more")) == all_of(cases, 0)


@pytest.mark.parametrize("place", ["LAKE-1.root", "LAKE-1.davs", "LAKE-APACHE.davs"])
def test_a_small_storage_fills_up_and_has_room_again(
    spoiled: Lake, cases: list[Case], place: str
) -> None:
    case = next(case for case in cases if str(case) == place)
    case.clients.local.write_bytes(bytes(600_000))
    spoiled.fault(case.rse, "full:1MB")
    try:
        assert case.upload("1") == 0, case.clients.said
        assert case.upload("2") not in (0, HUNG)
        for file in spoiled.data_dir(case.rse).glob(f"*-{case.scheme}-[12]"):
            file.unlink()
        assert case.upload("3") == 0, case.clients.said
    finally:
        spoiled.fault(case.rse, "none")


def test_denied_writes_leave_nothing(spoiled: Lake, cases: list[Case]) -> None:
    assert of(cases, lambda case: case.upload("old")) == all_of(cases, 0)
    with fault(spoiled, "deny"):
        seen = of(cases, lambda case: case.upload("denied"))
        assert not {HUNG, 0} & set(seen.values()), seen
        kept = of(cases, lambda case: case.fetch("old") == case.clients.content)
        assert kept == all_of(cases, True)
    data = [Path(folder) for rse in spoiled.rses.values() for folder in rse.data]
    assert [file for folder in data for file in folder.glob("*-denied")] == []
    assert of(cases, lambda case: case.upload("denied")) == all_of(cases, 0)


def test_a_corrupted_file_differs_and_older_ones_do_not(spoiled: Lake, cases: list[Case]) -> None:
    assert of(cases, lambda case: case.upload("old")) == all_of(cases, 0)
    with fault(spoiled, "corrupt"):
        assert of(cases, lambda case: case.upload("spoilt")) == all_of(cases, 0)
        kept = of(cases, lambda case: case.fetch("old") == case.clients.content)
        assert kept == all_of(cases, True)
    content = cases[0].clients.content
    spoilt = bytes([content[0] ^ 1]) + content[1:]
    assert of(cases, lambda case: case.fetch("spoilt")) == all_of(cases, spoilt)


def test_a_crash_takes_the_connection_and_the_server_comes_back(
    spoiled: Lake, cases: list[Case]
) -> None:
    # A manager makes its clients wait for a data server that has crashed.
    single = [case for case in cases if case.rse != "LAKE-REDIR"]
    with fault(spoiled, "crash"):
        seen = of(single, lambda case: case.upload("x"))
        assert not {HUNG, 0} & set(seen.values()), seen
    assert of(cases, lambda case: case.upload("x")) == all_of(cases, 0)


def test_a_crash_is_one_of_the_process(spoiled: Lake, cases: list[Case]) -> None:
    case = next(case for case in cases if str(case) == "LAKE-1.davs")
    log = spoiled.folder / "supervisor.log"
    before = log.read_text().count("ended: SIGSEGV")
    restarts = spoiled.record.servers[0].restarts
    spoiled.fault("LAKE-1", "crash")
    try:
        assert case.upload("x") not in (0, HUNG)
        deadline = time.monotonic() + 60
        while spoiled.record.servers[0].restarts == restarts:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        spoiled.fault("LAKE-1", "none")
    assert log.read_text().count("ended: SIGSEGV") > before


def test_a_lake_can_begin_with_a_fault(tmp_path: Path) -> None:
    with Lake.start(tmp_path / "lake", only=["LAKE-1"], faults={"LAKE-1": "deny"}) as lake:
        clients = Clients(lake, tmp_path)
        assert clients.upload(f"{lake.rses['LAKE-1'].davs}/x") not in (0, HUNG)
        lake.fault("LAKE-1", "none")
        assert clients.upload(f"{lake.rses['LAKE-1'].davs}/x") == 0, clients.said


def test_unknown_faults_and_rses_are_refused(spoiled: Lake) -> None:
    with pytest.raises(LakecheckError, match='no fault is called "lazy"'):
        spoiled.fault("LAKE-1", "lazy")
    with pytest.raises(LakecheckError, match='this lake has no RSE "LAKE-9"'):
        spoiled.fault("LAKE-9", "hang")
