"""The tree that errors.py draws is the tree of its classes."""

from __future__ import annotations

import inspect
import re
from typing import get_args

import pytest

from lakecheck import errors
from lakecheck.errors import DRIVER_ERRORS, DriverError, ErrorClass, Fault, SpecError

LINE = re.compile(r"^(?P<indent>(?:[│ ]   )*)(?:[├└]── )?(?P<name>[A-Z]\w+)(?: |$)")


def drawn() -> dict[str, str]:
    """Each class in the docstring, with the one under which it stands."""
    assert errors.__doc__ is not None
    found: dict[str, str] = {}
    path: list[str] = []
    for line in errors.__doc__.splitlines():
        match = LINE.match(line)
        if not match or not (line.startswith("LakecheckError") or "──" in line):
            continue
        depth = len(match["indent"]) // 4 + ("──" in line)
        path[depth:] = [match["name"]]
        found[match["name"]] = path[depth - 1] if depth else "Exception"
    return found


def test_the_drawn_tree_is_the_classes() -> None:
    classes = {
        name: kind.__bases__[0].__name__
        for name, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, errors.LakecheckError)
    }

    assert drawn() == classes


def test_every_class_of_the_list_but_access_is_raised_by_one_error() -> None:
    # `access` is what tests of kind access will find: something was allowed that must not be.
    assert set(DRIVER_ERRORS) | {"access"} == set(get_args(ErrorClass))
    leaves = {kind for kind in DriverError.__subclasses__() if not kind.__subclasses__()}
    assert set(DRIVER_ERRORS.values()) == leaves


@pytest.mark.parametrize("kind", DRIVER_ERRORS.values())
def test_a_driver_error_carries_what_is_known(kind: type[DriverError]) -> None:
    bare, told = (
        kind("oh"),
        kind("oh", code=5, side="destination", phase="copy", host="h.example.org"),
    )

    assert (bare.code, bare.phase, bare.host) == (None, None, None)
    assert bare.side == kind.default_side
    assert (told.code, told.side, told.phase, told.host) == (
        5,
        "destination",
        "copy",
        "h.example.org",
    )
    assert str(told) == told.message == "oh"


def test_faults_are_sorted_and_told_once() -> None:
    later, sooner = Fault("a.yaml", 9, 1, "late"), Fault("a.yaml", 2, 7, "soon")

    error = SpecError([later, sooner, later, Fault("b.yaml", 0, 0, "no place")])

    assert str(error) == "a.yaml:2:7: soon\na.yaml:9:1: late\nb.yaml: no place"
