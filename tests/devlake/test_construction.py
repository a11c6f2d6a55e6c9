from __future__ import annotations

import pytest

from lakecheck.devlake import construction
from lakecheck.errors import LakecheckError


def test_missing_programs_are_named_with_their_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(construction, "SYSTEM_PATH", "/nowhere")
    monkeypatch.setenv("PATH", "/nowhere/else")
    with pytest.raises(LakecheckError) as caught:
        construction.require(["cmsd", "apache2", "xrdfs", "xrdcp"])
    assert str(caught.value) == (
        "the embedded lake needs cmsd, apache2, xrdfs, xrdcp; install: "
        "apt-get install --no-install-recommends xrootd-server apache2-bin xrootd-client"
    )


def test_nothing_is_missing_here() -> None:
    construction.require(list(construction.PROGRAMS))
