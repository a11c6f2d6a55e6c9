"""The kinds: what they lay out, what their steps do to a storage in memory."""

from __future__ import annotations

import asyncio
import hashlib
import zlib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from lakecheck.drivers.base import Copied, Payload
from lakecheck.drivers.memory import MemoryDriver, MemorySession
from lakecheck.errors import Corrupt, DriverError, Exists, Missing, Unsupported
from lakecheck.model import Case, DriverChoice, Endpoint, Test
from lakecheck.probes import copy_step, functional, storage_steps, tpc
from lakecheck.probes.base import Measured
from tests.engine.test_scheduler import endpoint

CONTENT = b"what was written"


class OwnTools:
    """A probe's tools over the memory driver."""

    def __init__(self, folder: Path, case: Case, faults: dict[str, Any] | None = None) -> None:
        file = folder / "payload"
        file.write_bytes(CONTENT)
        self.case = case
        self.payload = Payload(
            str(file),
            len(CONTENT),
            f"{zlib.adler32(CONTENT):08x}",
            hashlib.md5(CONTENT).hexdigest(),
        )
        self.session: MemorySession = MemoryDriver().open(
            DriverChoice("memory", {"faults": faults or {}})
        )
        assert case.endpoint is not None
        self.url = f"{case.endpoint.url}/lakecheck/file"
        self.seed = f"{case.source.url}/lakecheck/seed" if case.source else ""
        self.maybe_there = False

    @property
    def storage(self) -> Any:
        return self.session.storage(self.case.endpoint, None, 10)  # type: ignore[arg-type]

    @property
    def copier(self) -> Any:
        return self.session.copier(self.case.source, self.case.endpoint, None, 10)  # type: ignore[arg-type]

    def creating(self) -> None:
        self.maybe_there = True

    def removed(self) -> None:
        self.maybe_there = False


def single(at: Endpoint | None = None) -> Case:
    test = Test(name="t", kind="functional", options=functional.Options())
    return Case(
        test=test,
        id="R",
        place="R",
        steps=functional.NAMES,
        endpoint=at or endpoint("R"),
        size=len(CONTENT),
    )


def run(tools: OwnTools, *steps: str) -> list[Measured]:
    async def all_of_them() -> list[Measured]:
        return [await storage_steps.STEPS[step](tools) for step in steps]  # type: ignore[arg-type]

    return asyncio.run(all_of_them())


def with_checksum(kind: Any) -> Endpoint:
    return msgspec.structs.replace(endpoint("R"), checksum=kind)


def test_a_whole_cycle(tmp_path: Path) -> None:
    tools = OwnTools(tmp_path, single())

    up, stat, checksum, down, delete = run(tools, *functional.NAMES)

    assert (up.bytes, down.bytes) == (len(CONTENT), len(CONTENT))
    assert stat.measures == {"compared": "size"}
    assert checksum.measures["checksum"] == f"adler32:{zlib.adler32(CONTENT):08x}"
    assert down.measures == {"compared": "content"}
    assert delete == Measured()
    assert not tools.maybe_there


def test_the_ledger_knows_before_the_upload_begins(tmp_path: Path) -> None:
    tools = OwnTools(tmp_path, single(), {"upload": "full"})

    with pytest.raises(DriverError):
        run(tools, "upload")

    assert tools.maybe_there


@pytest.mark.parametrize(
    ("step", "fault"), [("stat", "truncate"), ("checksum", "corrupt"), ("download", "corrupt")]
)
def test_what_is_not_what_was_written_is_corrupt(tmp_path: Path, step: str, fault: str) -> None:
    tools = OwnTools(tmp_path, single(), {step: fault})

    with pytest.raises(Corrupt):
        run(tools, "upload", step)


def test_checksums_as_the_spec_says(tmp_path: Path) -> None:
    (_, md5) = run(OwnTools(tmp_path, single(with_checksum("md5"))), "upload", "checksum")
    (_, none) = run(OwnTools(tmp_path, single(with_checksum("none"))), "upload", "checksum")

    assert md5.measures["checksum"].startswith("md5:")
    assert "no checksums" in none.skipped


def test_a_storage_that_says_it_has_none_is_skipped_unless_one_was_promised(
    tmp_path: Path,
) -> None:
    fault = {"checksum": "unsupported"}

    (_, told) = run(OwnTools(tmp_path, single(), fault), "upload", "checksum")

    assert told.skipped.startswith("the storage has no checksums:")
    with pytest.raises(Unsupported):
        run(OwnTools(tmp_path, single(with_checksum("md5")), fault), "upload", "checksum")


def test_a_name_that_is_taken_is_not_overwritten(tmp_path: Path) -> None:
    with pytest.raises(Exists):
        run(OwnTools(tmp_path, single()), "upload", "upload")


def link() -> Case:
    test = Test(name="c", kind="tpc", options=tpc.Options())
    return Case(
        test=test,
        id="A~B",
        place="A~B",
        steps=("copy",),
        source=endpoint("A"),
        endpoint=endpoint("B"),
        size=len(CONTENT),
        mode="pull",
    )


def copied(tools: OwnTools) -> Measured:
    async def plant_and_copy() -> Measured:
        source = tools.session.storage(tools.case.source, None, 10)  # type: ignore[arg-type]
        await source.put(tools.seed, tools.payload)
        return await copy_step.copy(tools)  # type: ignore[arg-type]

    return asyncio.run(plant_and_copy())


def test_a_copy_is_verified_and_its_destination_emptied(tmp_path: Path) -> None:
    tools = OwnTools(tmp_path, link())

    made = copied(tools)

    assert made.bytes == len(CONTENT)
    assert made.duration is not None
    assert made.measures == {"verified": "adler32", "transfer.mode": "pull"}
    assert not tools.maybe_there
    with pytest.raises(Missing):
        asyncio.run(tools.storage.stat(tools.url))


def test_a_destination_that_cannot_be_emptied_fails_the_copy(tmp_path: Path) -> None:
    tools = OwnTools(tmp_path, link(), {"delete": "denied"})

    with pytest.raises(DriverError, match="copied, but the destination could not be emptied") as e:
        copied(tools)

    assert (e.value.side, e.value.phase, e.value.error_class) == (
        "destination",
        "cleanup",
        "denied",
    )
    assert tools.maybe_there


class Streaming:
    """A copier that falls back to streaming, and says so."""

    async def copy(self, *arguments: Any) -> Copied:
        return Copied("pull", "adler32", streamed=True)


def test_streaming_is_no_third_party_copy(tmp_path: Path) -> None:
    class Tools(OwnTools):
        copier = Streaming()  # type: ignore[assignment]

    with pytest.raises(Unsupported, match="went through the client") as error:
        copied(Tools(tmp_path, link()))

    assert error.value.side == "transfer"


@pytest.mark.parametrize(
    ("ends", "option", "expected"),
    [
        (("auto", "auto"), "both", "adler32"),
        (("md5", "md5"), "both", "md5"),
        (("md5", "auto"), "both", "md5"),
        (("md5", "adler32"), "both", "adler32"),
        (("auto", "none"), "both", None),
        (("auto", "auto"), "none", None),
    ],
)
def test_the_algorithm_is_one_that_both_ends_have(
    ends: tuple[str, str], option: Any, expected: str | None
) -> None:
    case = link()
    test = msgspec.structs.replace(case.test, options=tpc.Options(checksum=option))
    source, destination = (
        msgspec.structs.replace(end, checksum=kind)
        for end, kind in zip((case.source, case.endpoint), ends, strict=True)
    )
    case = msgspec.structs.replace(case, test=test, source=source, endpoint=destination)

    assert copy_step.algorithm(case) == expected


def test_traffic() -> None:
    assert functional.traffic(single()).ingress == {"R": len(CONTENT)}
    assert tpc.traffic(link()).ingress == {"B": len(CONTENT)}
    assert tpc.traffic(link()).egress == {"A": len(CONTENT)}
