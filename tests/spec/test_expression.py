from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakecheck.model import RSE, Scalar
from lakecheck.spec import expression


def rse(name: str, **attributes: Scalar) -> RSE:
    return RSE(name=name, endpoints=(), attributes=attributes)


LAKE = {
    each.name: each
    for each in (
        rse("CERN-EOS", country="CH", tier=0, quota="high", tape=True),
        rse("DESY-DCACHE", country="DE", tier=1, quota="low", tape=True),
        rse("DESY-XROOTD", country="DE", tier=2, quota="low"),
        rse("CNAF-STORM", country="IT", tier=1, quota="high", tape=False),
        rse("SURF", country="NL", tier="1", space=1.5),
    )
}
CERN, DCACHE, XROOTD, CNAF, SURF = LAKE


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("*", tuple(LAKE)),
        ("CERN-EOS", (CERN,)),
        ("country=DE", (DCACHE, XROOTD)),
        ("rse=CERN-EOS", (CERN,)),
        ("name=SURF", (SURF,)),
        ("tape", (CERN, DCACHE)),
        ("tape=true", (CERN, DCACHE)),
        ("tape=False", (CNAF,)),
        ("tier=1", (DCACHE, CNAF, SURF)),
        ("tier<1", (CERN,)),
        ("tier<=1", (CERN, DCACHE, CNAF, SURF)),
        ("tier>1", (XROOTD,)),
        ("tier>=1", (DCACHE, XROOTD, CNAF, SURF)),
        ("space>1.4", (SURF,)),
        ("country>1", ()),
        ("tape>0", ()),
        ("*\\quota=low", (CERN, CNAF, SURF)),
        ("quota=low|country=CH", (CERN, DCACHE, XROOTD)),
        ("quota=low&tier=1", (DCACHE,)),
        ("SURF | CERN-EOS", (CERN, SURF)),
        ("DESY-*", (DCACHE, XROOTD)),
        ("*-EOS|*O*M", (CERN, CNAF)),
        ("  ( DESY-* \\ tier = 2 ) | SURF ", (DCACHE, SURF)),
    ],
)
def test_what_an_expression_selects_in_the_order_of_the_inventory(
    text: str, names: tuple[str, ...]
) -> None:
    assert expression.parse(text).select(LAKE) == names


def test_operators_have_no_precedence() -> None:
    left_first = expression.parse("country=CH|country=DE&tier=1").select(LAKE)
    grouped = expression.parse("country=CH|(country=DE&tier=1)").select(LAKE)

    assert (left_first, grouped) == ((DCACHE,), (CERN, DCACHE))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", 'expected an RSE name, attribute=value, "*" or "(" in column 1, found its end'),
        ("A||B", 'expected an RSE name, attribute=value, "*" or "(" in column 3, found "|"'),
        ("A|", 'expected an RSE name, attribute=value, "*" or "(" in column 3, found its end'),
        ("A B", 'expected one of "|", "&", "\\" in column 3, found "B"'),
        ("(A", 'the "(" in column 1 is not closed'),
        ("A)", 'the ")" in column 2 closes nothing'),
        ("()", 'expected an RSE name, attribute=value, "*" or "(" in column 2, found ")"'),
        ("tier=", "expected a value in column 6, found its end"),
        ("tier!=1", 'there is no "!=" (column 5); take the rest away: *\\attribute=value'),
        ("A;B", 'expected one of "|", "&", "\\" in column 2, found ";"'),
        ("(" * 50 + "A" + ")" * 50, "more than 40 parentheses inside each other"),
        ("A|" * 6000, "an RSE expression may have 10000 characters, this has 12000"),
    ],
)
def test_bad_syntax_has_its_sentence(text: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        expression.parse(text)

    assert str(caught.value) == message


def test_a_long_chain_is_no_deep_recursion() -> None:
    parsed = expression.parse("|".join(["SURF"] * 1900))

    assert parsed.select(LAKE) == (SURF,)
    assert len(parsed.names) == 1900


def test_names_and_attributes_that_it_speaks_of() -> None:
    parsed = expression.parse("(SURF|DESY-*)&tier<2\\tape|*")

    assert [name.text for name in parsed.names] == ["SURF", "DESY-*", "tape"]
    assert parsed.attributes == ("tier",)


Naive = tuple[str, set[str]]
TERMS: list[Naive] = [
    ("*", set(LAKE)),
    ("SURF", {SURF}),
    ("DESY-*", {DCACHE, XROOTD}),
    ("tier=1", {DCACHE, CNAF, SURF}),
    ("tier<1", {CERN}),
    ("quota=low", {DCACHE, XROOTD}),
    ("tape", {CERN, DCACHE}),
]


@st.composite
def chains(draw: st.DrawFn, depth: int = 3) -> Naive:
    """An expression and the set that plain set operations, left to right, give for it."""
    text, chosen = "", set(LAKE)
    for number in range(draw(st.integers(1, 4))):
        if depth and draw(st.booleans()):
            inner, more = draw(chains(depth - 1))
            term = f"({inner})"
        else:
            term, more = draw(st.sampled_from(TERMS))
        sign = draw(st.sampled_from("|&\\")) if number else ""
        blank = draw(st.sampled_from(["", " "]))
        text += f"{blank}{sign}{blank}{term}"
        chosen = {"": more, "|": chosen | more, "&": chosen & more, "\\": chosen - more}[sign]
    return text, chosen


@given(chains())
def test_as_plain_sets_from_left_to_right(chain: Naive) -> None:
    text, chosen = chain

    assert set(expression.parse(text).select(LAKE)) == chosen


@given(st.text(alphabet="ABz01*|&\\()=<>! ._-", max_size=25))
def test_any_text_is_an_expression_or_a_sentence(text: str) -> None:
    try:
        chosen = expression.parse(text).select(LAKE)
    except ValueError as error:
        assert "column" in str(error)  # noqa: PT017
    else:
        assert set(chosen) <= set(LAKE)
