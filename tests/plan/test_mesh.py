"""The links of a mesh."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lakecheck.model import RSE
from lakecheck.plan import mesh


def members(count: int) -> list[RSE]:
    return [RSE(f"R{number}", ()) for number in range(count)]


def names(strategy: object, count: int) -> list[tuple[str, str]]:
    found = mesh.links(strategy, members(count))  # type: ignore[arg-type]
    return [(source.name, destination.name) for source, destination in found]


@given(st.integers(0, 30))
def test_full_is_every_ordered_pair(count: int) -> None:
    found = names("full", count)

    assert len(found) == len(set(found)) == count * (count - 1)
    assert all(source != destination for source, destination in found)


@given(st.integers(0, 30))
def test_a_ring_visits_each_once(count: int) -> None:
    found = names("ring", count)

    assert len(found) == (count if count > 1 else 0)
    assert all(source != destination for source, destination in found)
    assert {source for source, _ in found} == {destination for _, destination in found}


@given(st.integers(1, 30), st.data())
def test_a_star_goes_to_and_from_its_centre(count: int, data: st.DataObject) -> None:
    centre = f"R{data.draw(st.integers(0, count - 1))}"

    found = names({"star": centre}, count)

    assert len(found) == len(set(found)) == 2 * (count - 1)
    assert all((source == centre) != (destination == centre) for source, destination in found)


def test_a_star_around_who_is_no_member_has_no_links() -> None:
    assert names({"star": "ELSEWHERE"}, 5) == []
