"""The usage kind against a real Rucio, whose replicas only its database knows."""

from __future__ import annotations

import asyncio
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lakecheck.devlake import Lake
from lakecheck.drivers.rucio import Options as RucioOptions
from lakecheck.drivers.rucio_client import client
from lakecheck.drivers.rucio_session import Rucio
from lakecheck.drivers.rucio_usage import Usage
from lakecheck.model import NOBODY, RSE, Inventory, ServiceChoice, Test
from lakecheck.probes.usage import KIND, Options
from tests.devlake.rucio_client import until
from tests.drivers.rucio import service, user
from tests.engine.runs import Document, documents, environment, lakecheck, write

EXPERIMENTS = "{SKA: {scopes: ['SKA_*'], accounts: [root]}, CTA: {scopes: ['CTA_*']}}"
SPEC = """\
lakecheck: 1
include: [{lake}/inventory.lake.yaml]
tests:
  usage:
    kind: usage
    via: rucio
    every: 1h
    experiments: {experiments}
    {more}
"""
# Scope, names, bytes of each file; who has a rule for them, on what; name of their dataset.
CONTENT: tuple[tuple[str, tuple[str, ...], int, str, str, str], ...] = (
    ("SKA_A", ("1", "2"), 1000, "root", "LAKE-1", "ds"),
    ("CTA_B", ("3",), 300, "lake", "QOS=FAST", ""),
    ("CTA_C", ("4",), 70, "lake", "LAKE-1", ""),
    ("testing", ("5",), 5, "root", "LAKE-1", ""),  # root's, in a scope of no experiment
    ("testing", ("6", "7"), 4, "", "", ""),  # no rule holds them
    ("testing", ("8",), 11, "lake", "LAKE-1|LAKE-2", ""),  # where it is, the rule leaves open
)
USED, FILES = 2394, 8


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Lake, dict[str, Any]]]:
    """A lake of its own, since the other tests' Rucio counts what they leave."""
    folder = tmp_path_factory.mktemp("usage") / "lake"
    with Lake.start(folder, only=["LAKE-1", "LAKE-2"], services=["rucio"]) as lake:
        known = {name: client(service(lake), user(lake, name)) for name in ("root", "lake")}
        for entry in CONTENT:
            _register(known, *entry)
        until(lambda: _counted(known["root"]))
        yield lake, known


def _register(
    known: dict[str, Any],
    scope: str,
    names: tuple[str, ...],
    size: int,
    account: str,
    to: str,
    dataset: str,
) -> None:
    root = known["root"]
    if scope not in root.list_scopes():
        root.add_scope("root", scope)
    files = [{"scope": scope, "name": name} for name in names]
    root.add_replicas("LAKE-1", [{**each, "bytes": size, "adler32": "00000001"} for each in files])
    if dataset:
        root.add_dataset(scope, dataset)
        root.attach_dids(scope, dataset, files)
        files = [{"scope": scope, "name": dataset}]
    if account:
        known[account].add_replication_rule(files, 1, to)


def _counted(root: Any) -> bool:
    """Whether Rucio's daemons have brought all counters up to date."""
    [own] = root.get_rse_usage("LAKE-1", {"source": "rucio"})
    accounts = {
        each["account"]: each["used_files"] for each in root.list_rse_account_usage("LAKE-1")
    }
    datasets = [each["available_length"] for each in root.list_datasets_per_rse("LAKE-1")]
    return own["files"] == FILES and accounts == {"root": 3, "lake": 3} and datasets == [2]


def run(lake: Lake, folder: Path, more: str = "", experiments: str = EXPERIMENTS) -> list[Document]:
    text = SPEC.format(lake=lake.folder, experiments=experiments, more=more)
    done = lakecheck("run", write(folder, text), cwd=folder)
    assert "itself failed" not in done.stderr, done.stderr
    return [each for each in documents(folder / "reports" / "latest") if each["kind"] == "usage"]


def usage(document: Document) -> dict[str, Any]:
    return {
        name.removeprefix("usage."): value
        for name, value in document.items()
        if name.startswith("usage.")
    }


def test_every_number_is_there_and_they_add_up(
    clients: tuple[Lake, dict[str, Any]], tmp_path: Path
) -> None:
    lake, known = clients
    known["root"].set_rse_usage("LAKE-1", "storage", 3000, 5_000_000, files=9)
    condition = "expect: ['usage.free > 4MB', 'usage.surplus == 0']\n    on: LAKE-1"
    found = {(each["case"], each["check"]): each for each in run(lake, tmp_path, condition)}

    assert {each["status"] for each in found.values()} == {"passed"}
    assert {each["rse"] for each in found.values()} == {"LAKE-1"}
    space = usage(found["LAKE-1", "space"])
    own = {"name": "rucio", "used": USED, "files": FILES}
    storage = {"name": "storage", "used": 3000, "free": 5_000_000, "files": 9}
    assert space.pop("sources") == [own, storage]
    assert space == {
        "used": USED,
        "files": FILES,
        "free": 5_000_000,
        "total": 5_003_000,
        "stored": 3000,
    }
    [judged] = found["LAKE-1", "space"]["expected"]
    assert judged == {"condition": "usage.free > 4MB", "seen": "5MB", "met": True}

    nothing_over = {"surplus": 0, "surplus_files": 0}
    total = {"used": USED, "files": FILES, **nothing_over}
    assert usage(found["LAKE-1", "accounts"]) == total | {
        "accounts": [
            {"name": "root", "used": 2005, "files": 3},
            {"name": "lake", "used": 381, "files": 3},
        ],
        "other": 8,
        "other_files": 2,
    }
    assert usage(found["LAKE-1", "scopes"]) == total | {
        "scopes": [
            {"name": "SKA_A", "used": 2000, "files": 2},
            {"name": "CTA_B", "used": 300, "files": 1},
            {"name": "CTA_C", "used": 70, "files": 1},
            {"name": "testing", "used": 5, "files": 1},
        ],
        "other": 19,
        "other_files": 3,
    }
    shares = {
        each["experiment"]: usage(each) for (_, check), each in found.items() if check == "used"
    }
    assert {name: share.pop("experiment") for name, share in shares.items()} == {
        name: name for name in shares
    }
    assert shares == {
        "SKA": {"used": 2005, "files": 3},
        "CTA": {"used": 370, "files": 2},
        "other": {"used": 19, "files": 3, **nothing_over},
    }
    assert sum(share["used"] for share in shares.values()) == USED
    assert sum(share["files"] for share in shares.values()) == FILES


def test_accounts_that_hold_the_same_files_are_a_surplus_and_not_negative(
    clients: tuple[Lake, dict[str, Any]], tmp_path: Path
) -> None:
    lake, known = clients
    both = {"scope": "SKA_A", "name": "ds"}
    [rule] = known["lake"].add_replication_rule([both], 1, "LAKE-1")
    counts = {"root": 3, "lake": 5}
    until(
        lambda: (
            counts
            == {
                each["account"]: each["used_files"]
                for each in known["root"].list_rse_account_usage("LAKE-1")
            }
        )
    )
    experiments = "{A: {accounts: [root]}, B: {accounts: [lake]}}"
    found = {
        (each["case"], each["check"]): each
        for each in run(lake, tmp_path, "on: LAKE-1", experiments)
    }
    known["lake"].delete_replication_rule(rule)

    accounts = usage(found["LAKE-1", "accounts"])
    assert (accounts["other"], accounts["surplus"]) == (0, 2000 - 8)
    assert usage(found["LAKE-1", "scopes"])["surplus"] == 0
    disputed = found["LAKE-1.A", "used"]
    assert (disputed["status"], disputed["error.class"]) == ("error", "tester")
    assert disputed["error.message"] == (
        "accounts of A and B hold one dataset or file in scopes of no experiment (SKA_A:ds), "
        "counted as other; name the scope SKA_A in one of them"
    )
    assert usage(disputed) == {"experiment": "A", "used": 5, "files": 1}
    assert usage(found["LAKE-1.other", "used"])["used"] == USED - 5 - 370


def test_free_space_that_nobody_tells_is_no_pass(
    clients: tuple[Lake, dict[str, Any]], tmp_path: Path
) -> None:
    lake, _ = clients
    found = {
        each["check"]: each
        for each in run(lake, tmp_path, "expect: [usage.free > 1TB]\n    on: LAKE-2", "{}")
    }
    assert {check: each["status"] for check, each in found.items()} == {
        "space": "failed",
        "accounts": "passed",
        "scopes": "passed",
    }
    assert found["space"]["error.message"] == (
        'Rucio was not told by a source "storage" what expect asks for (usage.free); sources of '
        "LAKE-2: rucio. Have them set, or name another as storage"
    )
    assert usage(found["space"])["used"] == 0
    [by_hand] = found["space"]["repeat"]
    assert by_hand.startswith("rucio --hostname http://127.0.0.1:")
    assert by_hand.endswith(" rse show LAKE-2")


def test_each_question_is_asked_once_however_many_want_to_know(
    clients: tuple[Lake, dict[str, Any]],
) -> None:
    lake, _ = clients
    asked: list[object] = []

    async def ask_often() -> None:
        rucio = Rucio(service(lake), user(lake))
        await rucio.ready()

        def counting(question: Any) -> Any:
            asked.append(question)
            return rucio.ask(question)

        usage = Usage(counting)
        for _ in range(3):
            for rse in ("LAKE-1", "LAKE-2"):
                both = usage.holdings(rse), usage.holdings(rse)
                first, again = await asyncio.gather(*both)
                assert first is again
                await asyncio.gather(usage.sources(rse), usage.accounts(rse))
        await usage.close()
        await rucio.close()

    asyncio.run(ask_often())
    # Four of each RSE; all rules, all RSEs, and the two expressions that are no RSE's name.
    assert len(asked) == 2 * 4 + 2 + 2


@pytest.mark.parametrize(
    ("step", "seen"),
    [("space", f"used: {USED}"), ("scopes", "SKA_A:ds")],
)
def test_a_check_is_repeated_by_hand(
    clients: tuple[Lake, dict[str, Any]], step: str, seen: str
) -> None:
    lake, _ = clients
    options = Options(via="rucio")
    told = lake.services["rucio"]
    service = ServiceChoice("rucio", "rucio", RucioOptions(account="root"), told["url"])
    test = Test("usage", "usage", options, service=service)
    [case] = KIND.cases(test, Inventory({"LAKE-1": RSE("LAKE-1", ())}))
    assert KIND.repeat
    last = KIND.repeat(case, step, NOBODY)[-1]
    program = Path(sys.executable).with_name("rucio")
    config = lake.services["rucio"]["root"]["client"]
    done = subprocess.run(
        [str(program), *shlex.split(last)[1:]],
        env=environment(RUCIO_CONFIG=str(config)),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert seen in done.stdout
