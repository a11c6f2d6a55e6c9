"""What Rucio counts on its RSEs: each question is asked once a run, whoever wants to know.

The number of requests grows with RSEs, never with files: four an RSE, one for all rules of single
files, one for each RSE expression in these.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, TypeVar

from msgspec import Struct

from lakecheck.errors import TesterFailed

Answer = TypeVar("Answer")
Question = Callable[[Any], Any]  # takes Rucio's client, in a thread
Ask = Callable[[Question], Awaitable[Any]]
DID = tuple[str, str]
FINISHED_FILES = {"did_type": "F", "state": "O"}  # rules of single files that are OK
RULES = ("scope", "name", "account", "rse_expression", "copies", "bytes")


class Count(Struct, frozen=True):
    """Bytes and files."""

    bytes: int = 0
    files: int = 0

    def __add__(self, other: Count) -> Count:
        """Give both together."""
        return Count(self.bytes + other.bytes, self.files + other.files)


class Source(Struct, frozen=True):
    """One opinion on an RSE's space: `rucio` is Rucio's own, the others are what it was told."""

    name: str
    used: int | None = None
    free: int | None = None
    files: int | None = None


class Holding(Struct, frozen=True):
    """Files of one scope on an RSE, as a dataset or a single file, and whose rules hold them."""

    scope: str
    name: str
    count: Count
    accounts: frozenset[str] = frozenset()


class Usage:
    """The RSEs of one Rucio; every question raises a DriverError and nothing else."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._asked: dict[tuple[str, str], asyncio.Task[Any]] = {}

    async def sources(self, rse: str) -> Mapping[str, Source]:
        """Give what is told of an RSE's space, by who told it."""
        return await self._once("sources", rse, lambda: self._ask(lambda one: _sources(one, rse)))

    async def accounts(self, rse: str) -> Mapping[str, Count]:
        """Give what the rules of each account hold on an RSE."""
        return await self._once("accounts", rse, lambda: self._ask(lambda one: _accounts(one, rse)))

    async def holdings(self, rse: str) -> tuple[Holding, ...]:
        """Give the datasets on an RSE, and the files there that have a rule of their own."""
        return await self._once("holdings", rse, lambda: self._holdings(rse))

    async def _holdings(self, rse: str) -> tuple[Holding, ...]:
        datasets, locks, files = await asyncio.gather(
            self._ask(lambda one: _datasets(one, rse)),
            self._ask(lambda one: _locks(one, rse)),
            self._once("files", "", self._files),
        )
        found = [
            Holding(scope, name, count, frozenset(locks.get((scope, name), ())))
            for (scope, name), count in datasets.items()
        ]
        return (*found, *files.get(rse, ()))

    async def _files(self) -> Mapping[str, list[Holding]]:
        """Give the files that have a rule of their own, each once, by RSE."""
        rules, names = await asyncio.gather(self._ask(_rules), self._ask(_names))
        expressions = {written for *_, written, _, _ in rules if written not in names}
        selected = dict(
            zip(expressions, await asyncio.gather(*map(self._selected, expressions)), strict=True)
        )
        accounts: dict[tuple[str, DID], set[str]] = defaultdict(set)
        sizes: dict[DID, int] = {}
        for scope, name, account, written, copies, size in rules:
            rses = selected.get(written, [written])
            if copies < len(rses):
                continue  # which of them have a copy is told file by file only
            for rse in rses:
                accounts[rse, (scope, name)].add(account)
            sizes[scope, name] = size or 0
        found: dict[str, list[Holding]] = defaultdict(list)
        for (rse, did), holders in accounts.items():
            found[rse].append(Holding(*did, Count(sizes[did], 1), frozenset(holders)))
        return found

    async def _selected(self, written: str) -> list[str]:
        try:
            found: list[str] = await self._ask(lambda one: _names(one, written))
        except TesterFailed:  # it selects none any more
            return []
        return found

    async def _once(self, what: str, rse: str, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        task = self._asked.get((what, rse))
        if task is None:
            task = self._asked[what, rse] = asyncio.ensure_future(ask())
        # A case whose time is over must not take the answer from the others.
        answer: Answer = await asyncio.shield(task)
        return answer

    async def close(self) -> None:
        """Ask no more."""
        for task in self._asked.values():
            task.cancel()
        await asyncio.gather(*self._asked.values(), return_exceptions=True)


def _sources(client: Any, rse: str) -> dict[str, Source]:
    return {
        each["source"]: Source(each["source"], each["used"], each["free"], each["files"])
        for each in client.get_rse_usage(rse)
    }


def _accounts(client: Any, rse: str) -> dict[str, Count]:
    return {
        each["account"]: Count(each["used_bytes"], each["used_files"])
        for each in client.list_rse_account_usage(rse)
        if each["used_bytes"] or each["used_files"]
    }


def _datasets(client: Any, rse: str) -> dict[DID, Count]:
    """Give what is there of each dataset; what is on its way is not."""
    return {
        (each["scope"], each["name"]): Count(
            each["available_bytes"] or 0, each["available_length"] or 0
        )
        for each in client.list_datasets_per_rse(rse)
    }


def _locks(client: Any, rse: str) -> dict[DID, set[str]]:
    found: dict[DID, set[str]] = defaultdict(set)
    for each in client.get_dataset_locks_by_rse(rse):
        found[each["scope"], each["name"]].add(each["account"])
    return found


def _rules(client: Any) -> list[tuple[Any, ...]]:
    told: Iterable[Mapping[str, Any]] = client.list_replication_rules(FINISHED_FILES)
    return [tuple(each[key] for key in RULES) for each in told]


def _names(client: Any, written: str | None = None) -> list[str]:
    return [each["rse"] for each in client.list_rses(rse_expression=written)]
