from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakecheck import conditions
from lakecheck.conditions.tree import Comparison, Joined, Literally, Not, comparisons


def test_a_comparison_in_base_units() -> None:
    tree = conditions.parse("throughput >= 25MB/s").tree

    assert isinstance(tree, Comparison)
    assert (tree.left.name, tree.operator) == ("throughput", ">=")
    assert tree.right == Literally("25MB/s", 25e6, "rate", 15)


def test_and_binds_closer_than_or_and_not_closest() -> None:
    tree = conditions.parse("not size > 1MB and duration < 3s or rse == CERN").tree

    assert isinstance(tree, Joined)
    assert tree.word == "or"
    both = tree.parts[0]
    assert isinstance(both, Joined)
    assert both.word == "and"
    assert isinstance(both.parts[0], Not)


def test_parentheses_and_any_blanks() -> None:
    tight = conditions.parse("not(duration<3s or size>1MB)").tree
    wide = conditions.parse("  not ( duration <  3s or   size > 1MB )  ").tree

    assert [c.right.value for c in comparisons(tight)] == [3, 10**6]
    assert [c.left.name for c in comparisons(wide)] == ["duration", "size"]


@pytest.mark.parametrize(
    ("text", "step"),
    [
        ("duration < 3s", ""),
        ("upload.duration < 3s", "upload"),
        ("upload.duration < 3s or duration < 1s", "upload"),
        ("transfer.mode == pull", ""),
        ("copy.transfer.mode == pull", "copy"),
        ("source.rse != CERN", ""),
        ("labels.tier == 1", ""),
        ("tpc.verified == adler32", ""),
    ],
)
def test_a_check_before_a_field_limits_the_condition(text: str, step: str) -> None:
    assert conditions.parse(text, ("tpc.verified",)).step == step


def test_words_may_be_quoted() -> None:
    tree = conditions.parse('error.message == "no space left, or so"').tree

    assert isinstance(tree, Comparison)
    assert tree.right.value == "no space left, or so"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", 'expected "(", "not", a field in column 1, found its end'),
        ("duration", "expected a comparison (< <= > >= == !=) in column 9, found its end"),
        ("duration <", "expected a value in column 11, found its end"),
        ("duration = 3s", 'expected a comparison (< <= > >= == !=) in column 10, found "="'),
        ("duration < 3s and", 'expected "(", "not", a field in column 18, found its end'),
        ("duration < 3s size", 'expected "and", "or", its end in column 15, found "s"'),
        ("(duration < 3s", 'expected ")", "and", "or" in column 15, found its end'),
        ("or < 3", 'expected "(", "not", a field in column 1, found "o"'),
        (
            "duration < 10",
            'duration is a duration, "10" in column 12 is not; write duration < 10s',
        ),
        (
            "upload.duration < 5MB",
            'upload.duration is a duration, "5MB" in column 19 is not; write upload.duration < 30s',
        ),
        ("size == big", 'size is a size, "big" in column 9 is not; write size == 1MB'),
        ("rse < 5", "words are compared with == and !=, not with <"),
        ("tpc.verified >= adler32", "words are compared with == and !=, not with >="),
        (
            "upload.duration < 3s and delete.duration < 3s",
            "it speaks of several checks (upload and delete); write one condition for each",
        ),
        ("(" * 30 + "size > 1B" + ")" * 30, "more than 20 parentheses or negations"),
        ("x" * 3000, "a condition may have 2000 characters, this has 3000"),
    ],
)
def test_bad_syntax_has_its_sentence(text: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        conditions.parse(text)

    assert str(caught.value) == message


WORDS = ["duration", "<", ">=", "==", "10m", "5", "and", "or", "not", "(", ")", "rse", "CERN", '"']


@given(st.lists(st.sampled_from(WORDS) | st.text(max_size=3), max_size=12).map(" ".join))
def test_any_text_is_a_condition_or_a_sentence(text: str) -> None:
    try:
        assert conditions.fields_of(conditions.parse(text).tree)
    except ValueError as error:
        assert len(str(error)) > 10  # noqa: PT017
