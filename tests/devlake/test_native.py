from __future__ import annotations

from pathlib import Path

import pytest

from lakecheck.devlake import native
from lakecheck.errors import LakecheckError


def test_libraries_are_built_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    built = native.build("5.5.3")
    stamps = [path.stat().st_mtime_ns for path in (built.checksum, built.fault)]
    assert native.build("5.5.3") == built
    assert [path.stat().st_mtime_ns for path in (built.checksum, built.fault)] == stamps
    assert sorted(path.name for path in built.fault.parent.iterdir()) == [
        "libCksEager-5.so",
        "libLakeFault.so",
    ]


def test_another_version_of_xrootd_has_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert native.build("5.5.3").checksum != native.build("5.6.0").checksum


def test_a_missing_compiler_is_named_with_its_packages(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LakecheckError, match=r"finds no g\+\+; install it: apt-get install g\+\+"):
        native.build("5.5.3")
