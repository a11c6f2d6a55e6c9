from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakecheck.spec.nodes import Faults, Place, join, near, quote


@pytest.mark.parametrize(
    ("parts", "path"),
    [
        (("tests", "tpc-small", "sizes", 0), "tests.tpc-small.sizes[0]"),
        (("tests", "a b"), 'tests."a b"'),
        (("", "tests"), "tests"),
        (("tests", ""), 'tests.""'),
    ],
)
def test_dotted_paths(parts: tuple[str | int, ...], path: str) -> None:
    joined = str(parts[0])
    for part in parts[1:]:
        joined = join(joined, part)

    assert joined == path


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("chekcsum", '; did you mean "checksum"?'),
        ("CHECKSUM", '; did you mean "checksum"?'),
        ("pull", ""),
        ("", ""),
    ],
)
def test_near_misses(word: str, hint: str) -> None:
    assert near(word, ["checksum", "sizes"]) == hint


def test_long_texts_are_cut_and_passwords_taken_out() -> None:
    assert quote("x" * 100) == '"' + "x" * 59 + '…"'
    assert quote("davs://me:geheim@h:1/x") == '"davs://***@h:1/x"'


@given(st.text(max_size=80), st.text(max_size=80))
def test_no_message_moves_a_terminal(path: str, message: str) -> None:
    faults = Faults()
    faults.add(Place("a", 1, 1), path, message)

    assert faults.found[0].message.isprintable()


def test_the_room_is_light_to_import() -> None:
    heavy = {"jsonschema", "aiohttp", "cryptography", "rich", "click", "pytest", "asyncio"}
    code = "import sys, lakecheck.spec; print(*{name.partition('.')[0] for name in sys.modules})"
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout

    assert heavy & set(found.split()) == set()
    assert "lakecheck" in found.split()
