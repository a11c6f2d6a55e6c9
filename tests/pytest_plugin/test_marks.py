"""Every kind is a mark, so that `-m KIND` selects its checks and nothing warns of it."""

from __future__ import annotations

import pytest

from lakecheck import registry


def test_every_kind_is_a_mark(pytester: pytest.Pytester) -> None:
    told = pytester.runpytest_subprocess("--markers")

    assert told.ret == 0
    told.stdout.fnmatch_lines([f"@pytest.mark.{kind}: *" for kind in registry.names("kinds")])
    told.stdout.fnmatch_lines(["@pytest.mark.python: *own tests over a spec's RSEs"])
