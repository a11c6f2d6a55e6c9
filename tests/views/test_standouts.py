from __future__ import annotations

from lakecheck.views.outcome import Outcome, read
from lakecheck.views.standouts import standouts
from tests.views.runs import DENIED, Run, links

NAMES = ("A", "B", "C", "D", "E", "F")


def matrix(*bad: tuple[str, str]) -> list[Outcome]:
    run = Run()
    for source, destination in links(NAMES):
        run.link(source, destination, trouble=DENIED if (source, destination) in bad else None)
    return read(run.documents)


def test_a_red_column_is_its_destination() -> None:
    (found,) = standouts(matrix(*((name, "C") for name in NAMES)))

    assert (found.rse, found.role, found.bad, found.tried) == ("C", "destination", 5, 5)
    assert found.is_whole


def test_a_red_row_is_its_source_even_when_it_is_nearly_whole() -> None:
    (found,) = standouts(matrix(*(("B", name) for name in "ACDE")))

    assert (found.rse, found.role, found.bad, found.tried) == ("B", "source", 4, 5)
    assert not found.is_whole


def test_single_links_stand_out_nowhere() -> None:
    assert standouts(matrix(("A", "B"), ("C", "D"), ("E", "F"))) == []


def test_nothing_stands_out_where_all_is_green_or_all_is_red() -> None:
    assert standouts(matrix()) == []
    assert standouts(matrix(*links(NAMES))) == []


def test_skipped_links_say_nothing() -> None:
    run = Run()
    for source, destination in links(NAMES):
        run.link(source, destination, status="skipped" if destination == "C" else None)

    assert standouts(read(run.documents)) == []
