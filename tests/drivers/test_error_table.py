"""Each situation, on each protocol and driver: the class of the error and whose side it blames.

Real servers are made to fail. What a library does not tell apart has the class of what it says:
gfal2 reports a full disk behind davs as a connection that was closed, and a CA that is not
trusted on root like any other refusal.
"""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from lakecheck.devlake import Lake, pki
from tests.drivers.situations import (
    Ground,
    Scene,
    Situation,
    endpoint,
    play_alone,
    play_together,
)

WAYS = (
    ("gfal2", "root"),
    ("gfal2", "davs"),
    ("gfal2", "gsiftp"),
    ("xrootd", "root"),
    ("webdav", "davs"),
)


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory, lake: Lake) -> Iterator[Ground]:
    folder = tmp_path_factory.mktemp("ground")
    rses = ["LAKE-1", "LAKE-2", "LAKE-GSIFTP"]
    with Lake.start(tmp_path_factory.mktemp("gsi"), only=rses, gsi=True) as locked:
        keys = locked.proxy.parent
        certificate = x509.load_pem_x509_certificate((keys / "user.pem").read_bytes())
        key = load_pem_private_key((keys / "user.key").read_bytes(), None)
        assert isinstance(key, rsa.RSAPrivateKey)
        ended = pki.make_proxy(pki.Identity(certificate, key), datetime.timedelta(minutes=-1))
        pki.write_private(folder / "expired.pem", ended, None)
        pki.write_private(folder / "garbage.pem", b"this is no proxy\n", None)
        pki.write_folder(pki.make_authority("Strange CA"), folder / "strange-ca")
        yield Ground(locked, lake, folder)


def elsewhere(url: str) -> Situation:
    async def situation(scene: Scene) -> None:
        end = endpoint(url.format(scheme=scene.scheme), str(scene.ground.locked.ca))
        storage, name = scene.storage(end=end)
        await storage.stat(name)

    return situation


def stat_as(who: str) -> Situation:
    async def situation(scene: Scene) -> None:
        storage, name = scene.storage(who)
        await storage.stat(name)

    return situation


def upload_as(who: str) -> Situation:
    async def situation(scene: Scene) -> None:
        storage, name = scene.storage(who)
        await storage.put(name, scene.ground.payload)

    return situation


def with_missing(step: str) -> Situation:
    async def situation(scene: Scene) -> None:
        storage, name = scene.storage()
        arguments = ("adler32",) if step == "checksum" else ()
        await getattr(storage, step)(name, *arguments)

    return situation


async def upload_twice(scene: Scene) -> None:
    storage, name = await scene.file()
    await storage.put(name, scene.ground.payload)


async def outside_of_the_export(scene: Scene) -> None:
    end = scene.ground.endpoint(scene.scheme, scene.ground.locked)
    storage, _ = scene.storage()
    await storage.stat(f"{end.address}//etc/passwd")


async def strange_ca(scene: Scene) -> None:
    end = scene.ground.endpoint(scene.scheme, scene.ground.locked, ca=str(scene.ground.strange_ca))
    storage, name = scene.storage(end=end)
    await storage.stat(name)


def upload_with(fault: str) -> Situation:
    async def situation(scene: Scene) -> None:
        storage, name = scene.storage()
        with scene.fault(fault):
            await storage.put(name, scene.ground.payload)

    return situation


def stat_with(fault: str, timeout: float = 30.0) -> Situation:
    async def situation(scene: Scene) -> None:
        storage, name = scene.storage(timeout=timeout)
        with scene.fault(fault):
            await storage.stat(name)

    return situation


async def download_of_corrupted(scene: Scene) -> None:
    storage, name = scene.storage()
    with scene.fault("corrupt"):
        await storage.put(name, scene.ground.payload)
    await storage.get(name, scene.ground.payload)


def ids(table: tuple[tuple[str, Situation, dict[str, str]], ...], prefix: str = "") -> list[Any]:
    """One test for each situation and way, where the table says what is expected.

    A key is `DRIVER-PROTOCOL`, a protocol, or `*` for all that are not named.
    """
    cells = []
    for name, situation, expected in table:
        for driver, scheme in WAYS:
            wanted = expected.get(f"{driver}-{scheme}", expected.get(scheme, expected.get("*")))
            if wanted:
                cell = (driver, scheme, situation, *wanted.split("/"))
                cells.append(pytest.param(*cell, id=f"{prefix}{name}-{driver}-{scheme}"))
    return cells


ERRORS: tuple[tuple[str, Situation, dict[str, str]], ...] = (
    ("wrong-port", elsewhere("{scheme}://127.0.0.1:19/data"), {"*": "unreachable/storage"}),
    (
        "no-such-host",
        elsewhere("{scheme}://no-such-host.invalid:1094/data"),
        {"*": "unreachable/network"},
    ),
    ("missing-stat", with_missing("stat"), {"*": "missing/storage"}),
    ("missing-checksum", with_missing("checksum"), {"*": "missing/storage"}),
    ("missing-download", with_missing("get"), {"*": "missing/storage"}),
    ("missing-delete", with_missing("delete"), {"*": "missing/storage"}),
    ("missing-list", with_missing("list"), {"*": "missing/storage"}),
    ("exists", upload_twice, {"*": "exists/storage"}),
    ("outside", outside_of_the_export, {"*": "denied/storage"}),
    ("stranger", stat_as("stranger"), {"*": "denied/storage"}),
    ("stranger-upload", upload_as("stranger"), {"*": "denied/storage"}),
    ("nobody", stat_as("none"), {"*": "credential/tester"}),
    ("nobody-upload", upload_as("none"), {"*": "credential/tester"}),
    ("expired", stat_as("expired"), {"*": "credential/tester"}),
    ("expired-upload", upload_as("expired"), {"*": "credential/tester"}),
    ("garbage", stat_as("garbage"), {"*": "credential/tester"}),
    ("absent", stat_as("absent"), {"*": "credential/tester"}),
    ("strange-ca", strange_ca, {"root": "denied/storage", "*": "tls/storage"}),
    ("refuse", stat_with("refuse"), {"*": "unreachable/storage"}),
    ("untrusted", stat_with("untrusted"), {"root": "denied/storage", "*": "tls/storage"}),
    ("deny", upload_with("deny"), {"*": "denied/storage"}),
    (
        "full",
        upload_with("full"),
        {"davs": "protocol/storage", "*": "full/storage"},
    ),
    ("corrupt", download_of_corrupted, {"*": "checksum/storage"}),
    (
        "crash",
        upload_with("crash"),
        {
            "root": "unreachable/storage",
            # Whether the crash is met before or in the handshake of the next connection is chance.
            "webdav-davs": "unreachable|tls/storage",
            "*": "protocol/storage",
        },
    ),
    # gfal2 itself never lets go of davs; the run's deadline does, by ending the process.
    ("hang", stat_with("hang", 2), {"root": "timeout/storage", "gsiftp": "timeout/storage"}),
    (
        "hang-tls",
        stat_with("hang-tls", 2),
        {"root": "timeout/storage", "gsiftp": "timeout/storage"},
    ),
)


def missing_source(mode: str) -> Situation:
    async def situation(scene: Scene) -> None:
        copier, source, destination = await scene.link()
        await scene.copy(copier, f"{source}-gone", destination, mode)  # type: ignore[arg-type]

    return situation


async def destination_exists(scene: Scene) -> None:
    copier, source, _ = await scene.link()
    end = scene.ground.endpoint(scene.scheme, scene.ground.locked, second=True)
    storage, destination = scene.storage(end=end)
    await storage.put(destination, scene.ground.payload)
    await scene.copy(copier, source, destination, "pull")


def copy_with(fault: str, mode: str = "pull") -> Situation:
    async def situation(scene: Scene) -> None:
        copier, source, destination = await scene.link()
        with scene.fault(fault, second=True):
            await scene.copy(copier, source, destination, mode)  # type: ignore[arg-type]

    return situation


async def wrong_size(scene: Scene) -> None:
    copier, source, destination = await scene.link()
    await copier.copy(source, destination, "pull", None, scene.ground.payload.size + 1)


async def source_refuses(scene: Scene) -> None:
    copier, source, destination = await scene.link()
    with scene.fault("refuse"):
        await scene.copy(copier, source, destination, "pull")


async def across_protocols(scene: Scene) -> None:
    copier, source, _ = await scene.link()
    other = scene.ground.endpoint("davs" if scene.scheme == "root" else "root", scene.lake("good"))
    await scene.copy(copier, source, f"{other.url}/never", "pull")


COPIES: tuple[tuple[str, Situation, dict[str, str]], ...] = (
    ("missing-source", missing_source("pull"), {"*": "missing/source"}),
    ("missing-source-push", missing_source("push"), {"davs": "missing/source"}),
    ("exists", destination_exists, {"*": "exists/destination"}),
    # The conformance suite has it for the native drivers, too.
    (
        "wrong-size",
        wrong_size,
        {
            "gfal2-root": "checksum/source",
            "gsiftp": "checksum/source",
            "gfal2-davs": "checksum/source",
        },
    ),
    ("corrupt", copy_with("corrupt"), {"davs": "checksum/destination"}),
    ("full", copy_with("full"), {"davs": "full/destination"}),
    ("deny-push", copy_with("deny", "push"), {"davs": "denied/destination"}),
    (
        "refuse",
        copy_with("refuse"),
        {"root": "unreachable/destination", "webdav-davs": "unreachable/destination"},
    ),
    (
        "source-refuses",
        source_refuses,
        {"gfal2-davs": "unreachable/source", "xrootd-root": "unreachable/source"},
    ),
    (
        "across-protocols",
        across_protocols,
        {"webdav-davs": "", "*": "unsupported/transfer"},
    ),
)


SPOILS = ("refuse", "untrusted", "deny", "full", "corrupt", "crash", "hang", "source-refuses")
CELLS = ids(ERRORS) + ids(COPIES, "copy-")


@pytest.fixture(scope="module")
def calm(ground: Ground) -> dict[tuple[str, str, Situation], Any]:
    """Outcomes of all situations in which the servers are well."""
    cells = [cell.values[:3] for cell in CELLS if not spoils(cell.id)]
    plays = [((driver, scheme), situation) for driver, scheme, situation in cells]
    return dict(zip(cells, asyncio.run(play_together(ground, plays)), strict=True))


def spoils(name: str) -> bool:
    return name.removeprefix("copy-").startswith(SPOILS)


@pytest.mark.parametrize(("driver", "scheme", "situation", "expected", "side"), CELLS)
def test_each_situation_has_its_class_and_side(
    ground: Ground,
    calm: dict[tuple[str, str, Situation], Any],
    driver: str,
    scheme: str,
    situation: Situation,
    expected: str,
    side: str,
) -> None:
    if (driver, scheme, situation) in calm:
        error = calm[driver, scheme, situation]
    else:
        error = asyncio.run(play_alone(ground, (driver, scheme), situation))
    assert error is not None, "nothing failed"
    assert error.error_class in expected.split("|"), error.message
    assert error.side == side, error.message
    assert error.message
    if side == "storage" and expected != "checksum":
        assert error.host
