"""A Rucio at work for one run: its client in threads, uploads and downloads in worker processes."""

from __future__ import annotations

import asyncio
import logging
import tempfile
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct
from tenacity import AsyncRetrying, retry_if_exception

from lakecheck.drivers import rucio_client
from lakecheck.drivers.authorities import Authorities
from lakecheck.drivers.base import SCRATCH, Leftover, Payload
from lakecheck.drivers.identity import identity
from lakecheck.drivers.patience import WAIT, Patience, is_away
from lakecheck.drivers.pool import Identity, Pool, Replied
from lakecheck.drivers.rucio_rules import Rule, Rules, rule_of
from lakecheck.drivers.rucio_usage import Usage
from lakecheck.drivers.worker_wire import OURS
from lakecheck.errors import DRIVER_ERRORS, DriverError, Exists, Missing, TesterFailed
from lakecheck.model import Credential, ServiceChoice

if TYPE_CHECKING:
    from rucio.client import Client

log = logging.getLogger("lakecheck.drivers")
AT_ONCE = 8  # requests
CLOCKS = timedelta(minutes=10)  # by which its clock and ours may differ
REMOVAL = 10.0  # seconds that a storage has for removing what an upload left
COMMENT = "lakecheck"  # how comments of rules and names of files begin, before the run
OPENING = 30.0  # seconds that a Rucio has to answer for the first time
CONFIG = "rucio.cfg"


class Replica(Struct, frozen=True):
    """Where one file is, as Rucio says: states (AVAILABLE, COPYING, …) by RSE."""

    name: str
    bytes: int
    adler32: str
    states: Mapping[str, str]


class Rucio:
    """One Rucio and credential; every call raises a DriverError and nothing else."""

    def __init__(self, choice: ServiceChoice, credential: Credential) -> None:
        self.choice = choice
        self.credential = credential
        self._calls = Patience(choice.name, AT_ONCE)
        self._opening = asyncio.Lock()
        self._client: Client | None = None
        self._began = datetime.now(UTC)
        self._rules = Rules(self._list_rules)
        self.usage = Usage(self.ask)
        self._pool: Pool | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._authorities: Authorities | None = None

    async def ready(self) -> None:
        """Wait until it has let us in."""
        async with self._opening:
            if self._client is None:
                self._client = await self._calls.within(
                    OPENING,
                    lambda: rucio_client.client(self.choice, self.credential),
                    self.choice.url,
                )

    @property
    def account(self) -> str:
        """Account that we act as."""
        return str(getattr(self._client, "account", "") or "")

    async def call(self, name: str, *arguments: Any, **more: Any) -> Any:
        """Call a method of Rucio's client, again and again where Rucio is busy or away.

        What it would give piece by piece is given as a list.
        """

        def call(client: Any) -> Any:
            found = getattr(client, name)(*arguments, **more)
            return list(found) if hasattr(found, "__next__") else found

        return await self.ask(call)

    async def ask(self, question: Callable[[Any], Any]) -> Any:
        """Give what a function makes of Rucio's client, in a thread; as patiently."""

        def call() -> Any:
            with rucio_client.told(self.choice, self.credential):
                return question(self._client)

        return await self._calls.patiently(call)

    async def upload(
        self, payload: Payload, item: Mapping[str, Any], timeout: float, ca: str
    ) -> None:
        """Upload and register a file with the upload client; `item` is as that takes it."""
        async for attempt in AsyncRetrying(
            retry=retry_if_exception(is_away), wait=WAIT, reraise=True
        ):
            with attempt:
                again = attempt.retry_state.attempt_number > 1
                await self._work(timeout, ca, "upload", {**item, "path": payload.path}, again)

    async def download(
        self, payload: Payload, item: Mapping[str, Any], timeout: float, ca: str
    ) -> int:
        """Download a file and compare it with the payload's; give the bytes."""
        asked = {**item, "no_subdir": True}
        async for attempt in AsyncRetrying(
            retry=retry_if_exception(is_away), wait=WAIT, reraise=True
        ):
            with attempt:
                count: int = await self._work(timeout, ca, "download", asked, payload.path)
        return count

    async def _work(self, timeout: float, ca: str, name: str, *arguments: Any) -> Any:
        pool, who = self._workers(timeout, ca)
        try:
            return await pool.call(who, name, self._asked(), *arguments)
        except Replied as replied:
            raise _explained(replied.reply) from None

    def _asked(self) -> str:
        """Who is asked as whom, in a text that crosses to the worker."""
        told = {
            "service": msgspec.to_builtins(self.choice),
            "credential": {
                **msgspec.structs.asdict(self.credential),
                "password": str(self.credential.password),
            },
        }
        return msgspec.json.encode(told, enc_hook=str).decode()

    def _workers(self, timeout: float, ca: str) -> tuple[Pool, Identity]:
        """Give the worker processes, and whom they serve; `ca` is the storages'."""
        if self._folder is None or self._pool is None or self._authorities is None:
            self._folder = tempfile.TemporaryDirectory(prefix="rucio-", dir=SCRATCH.get())
            self._authorities = Authorities(self._folder.name)
            self._pool = Pool("lakecheck.drivers.rucio_calls")
            # Whoever looks for the user's own finds this one, which says what is known anyway.
            auth = self.choice.options.auth or self.choice.url
            hosts = f"rucio_host = {self.choice.url}\nauth_host = {auth}\n"
            text = f"[client]\n{hosts}account = {self.account}\n[policy]\n"
            Path(self._folder.name, CONFIG).write_text(text)
        who = identity(self.credential, timeout, self._authorities.settings(ca))
        config = str(Path(self._folder.name, CONFIG))
        own = (("RUCIO_CONFIG", config), ("RUCIO_HOME", ""), ("TMPDIR", self._folder.name))
        return self._pool, Identity(who.credential, who.generation, (*who.settings, *own))

    async def add_rule(
        self, dids: Sequence[tuple[str, str]], to: str, copies: int = 1, **more: Any
    ) -> str:
        """Ask for copies; give the rule's id. One that is there already is ours."""
        named = [{"scope": scope, "name": name} for scope, name in dids]
        try:
            found = await self.call(
                "add_replication_rule", named, copies, to, account=self.account, **more
            )
        except Exists:
            # An earlier attempt reached it, though its answer did not reach us.
            rules = await self.call("list_did_rules", *dids[0])
            mine = [rule for rule in rules if rule["rse_expression"] == to]
            if not mine:
                raise
            return str(mine[0]["id"])
        return str(found[0])

    async def settled(self, rule_id: str, tag: str) -> Rule:
        """Wait until a rule is OK or stuck; all rules with its comment are asked for together."""
        return await self._rules.settled(rule_id, tag)

    def last(self, rule_id: str) -> Rule | None:
        """Give what was last told of a rule that is waited for."""
        return self._rules.last.get(rule_id)

    async def rses(self, written: str) -> list[str]:
        """Give the RSEs that an expression selects, as Rucio understands it."""
        return [each["rse"] for each in await self.call("list_rses", rse_expression=written)]

    async def rule(self, rule_id: str) -> Rule | None:
        """Give a rule as it is now; None where it is gone."""
        try:
            return rule_of(await self.call("get_replication_rule", rule_id))
        except Missing:
            return None

    async def _list_rules(self, tag: str) -> list[Rule]:
        filters = {
            "account": self.account,
            "created_after": format_datetime(self._began - CLOCKS, usegmt=True).replace(
                "GMT", "UTC"
            ),
            "comments": tag,
        }

        def call() -> list[Rule]:
            with rucio_client.told(self.choice, self.credential):
                assert self._client is not None
                return [rule_of(each) for each in self._client.list_replication_rules(filters)]

        return await self._calls.once(call)

    async def replicas(self, dids: Sequence[tuple[str, str]]) -> list[Replica]:
        """Say where files are; those of a dataset one by one."""
        named = [{"scope": scope, "name": name} for scope, name in dids]
        found = await self.call("list_replicas", named, all_states=True)
        return [_replica(each) for each in found]

    async def undo(self, sort: str, name: str) -> None:
        """End what a run created: a `rule`, a `did` with its replicas, the rest of an `upload`."""
        await self.ready()
        if sort == "did":
            await self._remove_did(*name.split(":", 1))
        elif sort == "upload":
            rse, did, ca = upload_of(name)
            await self._work(REMOVAL, ca, "clean", rse, did)
        else:
            await self._remove_rule(name)

    async def _remove_did(self, scope: str, name: str) -> None:
        """End all rules of a file or dataset; what no rule holds is marked for removal."""
        rules = await self.call("list_did_rules", scope, name)
        for rule in rules:
            await self._remove_rule(str(rule["id"]))
        told = await self.call("get_did", scope, name)
        if told["type"] == "DATASET":
            await self.call("set_metadata", scope, name, "lifetime", 1)
        elif not rules:
            did = {"scope": scope, "name": name}
            found = await self.call("list_replicas", [did], all_states=True)
            bare = [{**did, "rse": rse} for each in found for rse in each.get("states") or {}]
            if bare and not await self._has_parents(scope, name):
                await self._bury(bare)

    async def _bury(self, replicas: Sequence[Mapping[str, str]]) -> None:
        """Let Rucio remove replicas that nothing holds; those of broken uploads are not there."""
        for each in replicas:
            file = {"scope": each["scope"], "name": each["name"], "state": "U"}
            # The reaper passes by what is still being copied.
            await self.call("update_replicas_states", each["rse"], files=[file])
        await self.call("set_tombstone", list(replicas))

    async def _has_parents(self, scope: str, name: str) -> bool:
        """Say whether a dataset's rule may still hold a file."""
        for parent in await self.call("list_parent_dids", scope, name):
            if await self.call("list_did_rules", parent["scope"], parent["name"]):
                return True
        return False

    async def _remove_rule(self, rule_id: str) -> None:
        try:
            # Asked to delete it, Rucio would wait for an hour.
            await self.call(
                "update_replication_rule", rule_id, {"lifetime": 1, "purge_replicas": True}
            )
        except Missing:
            log.debug("rule %s is gone already", rule_id)

    async def unfinished(self, run_id: str = "") -> Sequence[Leftover]:
        """Give the rules and files of one run; of others none, as all rules have a lifetime."""
        if not run_id:
            return ()
        filters = {"account": self.account, "comments": f"{COMMENT} {run_id}"}
        rules = await self.call("list_replication_rules", filters)
        names = {("rule", str(rule["id"])) for rule in rules}
        mine = {"name": f"{COMMENT}.{run_id}-*"}
        for scope in {str(rule["scope"]) for rule in rules}:
            found = await self.call("list_dids", scope, [mine], did_type="all")
            names |= {("did", f"{scope}:{name}") for name in found}
        return [Leftover(sort, name, f"{run_id}-", 0.0) for sort, name in sorted(names)]

    @property
    def silence(self) -> DriverError | None:
        """Why it does not answer at the moment, if it does not."""
        return self._calls.trouble or self._rules.trouble

    async def close(self) -> None:
        """End all connections and worker processes."""
        await self._rules.close()
        await self.usage.close()
        if self._pool is not None:
            await self._pool.close()
        if self._folder is not None:
            self._folder.cleanup()
        self._calls.close()


def upload_name(rse: str, did: str, ca: str) -> str:
    """Name an upload in ledgers, with what it takes to remove its rest."""
    return f"{rse}/{did}#{ca}"


def upload_of(name: str) -> tuple[str, str, str]:
    """Give RSE, did and CA of an upload's name."""
    rse, _, rest = name.partition("/")
    did, _, ca = rest.partition("#")
    return rse, did, ca


def _replica(told: Mapping[str, Any]) -> Replica:
    size, digest = told.get("bytes") or 0, told.get("adler32") or ""
    return Replica(told["name"], size, digest, told.get("states") or {})


def _explained(reply: tuple[Any, ...]) -> DriverError:
    if reply[0] == OURS:
        _, error_class, text, more = reply
        return DRIVER_ERRORS[error_class](text, **more)
    _, kind, code, text, host = reply
    return TesterFailed(f"Rucio's client: {kind}: {text}", code=code, host=host)
