"""The calls of Rucio's upload and download clients that a worker process makes.

They load gfal2, or start xrdcp, as Rucio's protocols want it; errors leave as Judged.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from rucio.client import credentialclient, rseclient
from rucio.client.downloadclient import DownloadClient
from rucio.client.uploadclient import UploadClient
from rucio.common.exception import (
    DuplicateContent,
    FileAlreadyExists,
    RucioException,
    SourceNotFound,
)
from rucio.rse import rsemanager

from lakecheck.drivers import rucio_client, rucio_errors, rucio_reasons
from lakecheck.drivers.payload_file import compare
from lakecheck.drivers.rucio import Options
from lakecheck.drivers.worker_wire import Judged
from lakecheck.errors import DriverError, Side, Unclassified
from lakecheck.model import Credential, Secret, ServiceChoice

log = logging.getLogger("lakecheck-rucio-worker")
log.addHandler(logging.NullHandler())
log.propagate = False
PIECE = 1 << 20
THERE = "File already exists"  # as the upload client says it


class _Uploads(UploadClient):  # type: ignore[misc]  # the client has no annotations
    def _send_trace(self, trace: Any) -> None:
        """Send none: statistics of users' transfers are no place for tests."""


class _Downloads(DownloadClient):  # type: ignore[misc]
    def _send_output(self, *_: Any) -> None:
        """Say nothing."""


@cache
def _known(asked: str) -> tuple[ServiceChoice, Credential, Any]:
    """Log in once for all calls of a service and credential."""
    told = msgspec.json.decode(asked)
    options = msgspec.convert(told["service"].pop("options"), Options)
    choice = ServiceChoice(options=options, **told["service"])
    password = Secret(told["credential"].pop("password"))
    credential = Credential(password=password, **told["credential"])
    client = rucio_client.client(choice, credential)
    # Rucio's protocols make clients of their own, from a configuration that there is none of here.
    rseclient.RSEClient = credentialclient.CredentialClient = lambda *_, **__: client
    return choice, credential, client


def upload(asked: str, item: dict[str, Any], again: bool = False) -> None:
    """Upload a file and register it with a rule, as `rucio upload` does.

    `again` says that Rucio was away when it was tried before.
    """
    traces: list[dict[str, Any]] = []

    def call(client: Any) -> None:
        try:
            _Uploads(client, logger=log).upload([item], traces_copy_out=traces)
        except RucioException:
            if not again or _reason(traces) != THERE:
                raise
            _finish(client, item)

    _made(asked, call, lambda: _reason(traces), "storage")


def _finish(client: Any, item: Mapping[str, Any]) -> None:
    """Tell Rucio of a file that is there, which it could not be told when it was uploaded."""
    did = {"scope": item["did_scope"], "name": item["did_name"]}
    client.update_replicas_states(item["rse"], files=[{**did, "state": "A"}])
    if "dataset_name" in item:
        with contextlib.suppress(DuplicateContent, FileAlreadyExists):
            client.attach_dids(item["dataset_scope"], item["dataset_name"], [did])


def clean(asked: str, rse: str, did: str) -> None:
    """Remove what an upload that was ended may have left under the name that it has meanwhile."""
    scope, _, name = did.partition(":")

    def call(client: Any) -> None:
        settings = rsemanager.get_rse_info(rse, vo=client.vo)
        protocol = rsemanager.create_protocol(settings, "delete", domain="wan", logger=log.log)
        protocol.connect()
        [path] = protocol.lfns2pfns([{"scope": scope, "name": name}]).values()
        try:
            protocol.delete(f"{path}.rucio.upload")
        except SourceNotFound:
            log.debug("nothing is left of %s at %s", did, rse)
        finally:
            protocol.close()

    _made(asked, call, str, "storage")


def download(asked: str, item: dict[str, Any], path: str) -> int:
    """Download a file and compare it with the one at `path`; give the bytes."""
    folder = Path(tempfile.mkdtemp(prefix="rucio-"))
    into = folder / item["did"].partition(":")[2]
    traces: list[dict[str, Any]] = []

    def call(client: Any) -> None:
        _Downloads(client, logger=log, tracing=True).download_dids(
            [{**item, "base_dir": str(folder)}], num_threads=1, traces_copy_out=traces
        )

    try:
        _made(asked, call, lambda: _reason(traces), "storage")
        with open(into, "rb") as file:
            return compare(lambda: file.read(PIECE), path, None)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _reason(traces: list[dict[str, Any]]) -> str:
    return next((str(trace["stateReason"]) for trace in traces if trace.get("stateReason")), "")


def _made(asked: str, call: Callable[[Any], None], reason: Callable[[], str], side: Side) -> None:
    """Make a call; where a storage was the reason, say what it said."""
    try:
        choice, credential, client = _known(asked)
        try:
            client.session.trouble = None
            call(client)
        except RucioException as error:
            if client.session.trouble:
                raise client.session.trouble from None
            if said := reason():
                found = rucio_reasons.of_storage(said, credential)
                if isinstance(found, Unclassified):
                    found.side = side
                raise found from None
            raise rucio_errors.translated(error, choice, credential) from None
    except DriverError as error:
        raise Judged(
            error.error_class,
            error.message,
            code=error.code,
            side=error.side,
            phase=error.phase,
            host=error.host,
        ) from None


def pid() -> int:
    """Number of this process."""
    return os.getpid()


CALLS: Mapping[str, Callable[..., Any]] = {
    "upload": upload,
    "download": download,
    "clean": clean,
    "pid": pid,
}
