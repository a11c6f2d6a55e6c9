"""The driver in docs/writing-a-driver.md works as it stands there."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from lakecheck.drivers.base import Payload
from lakecheck.errors import Corrupt, Exists, Missing, Unsupported
from lakecheck.model import NOBODY, DriverChoice, Endpoint

PAGE = Path(__file__).parents[2] / "docs" / "writing-a-driver.md"


def documented() -> Any:
    code = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(code) == 1
    names: dict[str, Any] = {}
    exec(compile(code[0], str(PAGE), "exec"), names)
    return names["DRIVER"]


def test_the_example_keeps_files(tmp_path: Path) -> None:
    file, other = tmp_path / "file", tmp_path / "other"
    file.write_bytes(b"content")
    other.write_bytes(b"something else")
    payload = Payload(str(file), 7, "0bf902f3", "")
    different = Payload(str(other), 14, "", "")
    base = f"local://here:1{tmp_path}/storage"
    end = Endpoint("RSE", base, "local", "here", 1, f"{tmp_path}/storage", "local")

    async def use() -> None:
        session = documented().open(DriverChoice("local"))
        storage = session.storage(end, NOBODY, 10.0)
        await storage.put(f"{base}/a/name", payload)
        with pytest.raises(Exists):
            await storage.put(f"{base}/a/name", payload)
        assert (await storage.stat(f"{base}/a/name")).size == 7
        assert await storage.get(f"{base}/a/name", payload) == 7
        with pytest.raises(Corrupt):
            await storage.get(f"{base}/a/name", different)
        assert len(await storage.checksum(f"{base}/a/name", "adler32")) == 8
        with pytest.raises(Unsupported):
            await storage.checksum(f"{base}/a/name", "md5")
        assert [entry.name for entry in await storage.list(f"{base}/a")] == ["name"]
        await storage.delete(f"{base}/a/name")
        for call in (storage.stat, storage.delete, storage.get):
            with pytest.raises(Missing):
                await call(f"{base}/a/name")
        await session.close()

    asyncio.run(use())
    assert (tmp_path / "storage" / "a").is_dir()


def test_every_file_that_the_page_names_is_there() -> None:
    named = re.findall(r"`((?:lakecheck|tests)/[\w/.]+)`", PAGE.read_text())
    assert len(named) >= 5
    assert [name for name in named if not (PAGE.parents[1] / name).exists()] == []
