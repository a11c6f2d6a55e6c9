"""What is installed is found by entry point, and imported only when used."""

from __future__ import annotations

import subprocess
import sys

import pytest

from lakecheck import registry
from lakecheck.errors import UsageError
from lakecheck.model import Kind


def test_kinds_and_drivers_are_named_without_importing_them() -> None:
    program = (
        "import sys\nfrom lakecheck import registry\n"
        "print(*registry.names('kinds'), *registry.names('drivers'))\n"
        "print([name for name in sys.modules if name.startswith('lakecheck.drivers')])"
    )

    told = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout

    names, modules = told.splitlines()
    assert {"functional", "tpc", "gfal2", "memory", "webdav", "xrootd"} <= set(names.split())
    assert modules == "[]"


def test_the_object_is_given() -> None:
    kind = registry.load("kinds", "functional")

    assert isinstance(kind, Kind)
    assert kind.name == "functional"


@pytest.mark.parametrize("kind", registry.names("kinds"))
def test_every_kind_is_named_as_it_is_registered(kind: str) -> None:
    assert registry.load("kinds", kind).name == kind


def test_a_near_miss_is_offered() -> None:
    told = 'there is no kind "functionl"; did you mean "functional"'
    with pytest.raises(UsageError, match=told):
        registry.load("kinds", "functionl")


def test_what_is_far_from_all_is_answered_by_the_list() -> None:
    with pytest.raises(UsageError, match=r'there is no driver "zzz".*gfal2'):
        registry.load("drivers", "zzz")
