"""What plug-ins print, taken apart."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakecheck.probes.perfdata import MOST, UNITS, measures, read

DATA = {
    "": {},
    "time=0.5s;1;5;0;10": {"time": 0.5},
    "time=12ms rta=3us": {"time": 0.012, "rta": 3e-6},
    "size=4KB;;;0": {"size": 4000},
    "/=2MiB /var=3B": {"_": 2097152, "_var": 3},
    "used=79%;90;95": {"used": 79},
    "requests=1234c": {"requests": 1234},
    "'free space'=1GB 'it''s'=2": {"free_space": 1e9, "it_s": 2},
    "a.b=1 'a b'=2 a_b=3": {"a_b": 1, "a_b_2": 2, "a_b_3": 3},
    "load=-.5e2;;": {"load": -50},
    "lost=U good=1": {"good": 1},
    "big=1e999 good=1": {"good": 1},
    "no data at all": {},
    "=5 a= b=x c=1": {"c": 1},
    "'open=1 shut=2": {"open": 1, "shut": 2},
    "temp=20C": {"temp": 20},
    "x=1;;;;;;": {"x": 1},
}


@pytest.mark.parametrize(("data", "expected"), DATA.items(), ids=DATA)
def test_performance_data(data: str, expected: dict[str, float]) -> None:
    assert measures(data) == expected


def test_several_lines() -> None:
    text = "DISK OK - free | /=2B;3;4\nmore text\nand more | /boot=68B\n/home=69B 'a b'=1\n"

    said = read(text)

    assert said.line == "DISK OK - free"
    assert said.measures == {"_": 2, "_boot": 68, "_home": 69, "a_b": 1}


def test_text_without_data() -> None:
    assert read("all = well\nx=5\n").measures == {}
    assert read("\n\n  all is well \n").line == "all is well"
    assert read("").line == ""


def test_there_is_an_end_to_names() -> None:
    found = measures(" ".join(f"n{number}=1" for number in range(MOST * 2)))

    assert len(found) == MOST
    assert max(map(len, measures(f"{'x' * 5000}=1"))) <= MOST


LABELS = st.text(min_size=1, max_size=20).filter(lambda text: text.isprintable())
VALUES = st.floats(allow_nan=False, allow_infinity=False, width=32)


@given(st.lists(st.tuples(LABELS, VALUES, st.sampled_from([*UNITS, "%", "c", ""])), max_size=20))
def test_what_is_written_is_read(items: list[tuple[str, float, str]]) -> None:
    data = " ".join(
        "'{}'={!r}{};1:2;@3;;".format(label.replace("'", "''"), value, unit)
        for label, value, unit in items
    )

    found = measures(data)

    wanted = [value * UNITS.get(unit, 1.0) for _, value, unit in items]
    assert list(found.values()) == pytest.approx(wanted, rel=1e-12)


@given(st.text())
def test_any_output_gives_names_that_stores_take_and_numbers(text: str) -> None:
    said = read(text)

    assert "\n" not in said.line
    assert "|" not in said.line
    for name, value in said.measures.items():
        assert re.fullmatch(r"[A-Za-z0-9_-]+", name)
        assert math.isfinite(value)
