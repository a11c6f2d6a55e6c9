from __future__ import annotations

import pytest

from lakecheck.devlake.services import NAMES
from lakecheck.devlake.shape import (
    FaultChoice,
    choose_with,
    known_rse,
    make_shape,
    parse_faults,
)
from lakecheck.errors import UsageError


def test_a_lake_has_numbered_rses_and_three_others() -> None:
    shape = make_shape(2)
    assert shape.rses == ("LAKE-1", "LAKE-2", "LAKE-REDIR", "LAKE-GSIFTP", "LAKE-APACHE")


def test_only_leaves_the_others_out() -> None:
    assert make_shape(5, only=["LAKE-2", "LAKE-REDIR", "LAKE-2"]).rses == ("LAKE-2", "LAKE-REDIR")


def test_faults_are_read_from_the_command_line() -> None:
    assert parse_faults(["LAKE-1=hang,LAKE-2=full:20MB", "LAKE-3=deny"]) == {
        "LAKE-1": "hang",
        "LAKE-2": "full:20MB",
        "LAKE-3": "deny",
    }


def test_full_takes_a_size() -> None:
    fault = FaultChoice.parse("full:20MB")
    assert fault == FaultChoice("full", 20_000_000)
    assert FaultChoice.parse(str(fault)) == fault


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (
            lambda: FaultChoice.parse("slow"),
            'no fault is called "slow"; choose one of: none, refuse, hang, hang-tls, hang-data, '
            "untrusted, full, deny, corrupt, crash",
        ),
        (
            lambda: FaultChoice.parse("hang:3MB"),
            'the fault "hang" takes no size; only full does (full:20MB)',
        ),
        (
            lambda: parse_faults(["LAKE-1"]),
            '"LAKE-1" is not RSE=KIND; write for example LAKE-2=hang',
        ),
        (
            lambda: parse_faults(["LAKE-1=hang,LAKE-1=deny"]),
            '"LAKE-1" is given two faults; an RSE has one at a time',
        ),
        (
            lambda: make_shape(1, faults={"LAKE-2": "hang"}),
            'this lake has no RSE "LAKE-2"; it has: LAKE-1, LAKE-REDIR, LAKE-GSIFTP, LAKE-APACHE',
        ),
        (
            lambda: make_shape(only=["LAKE-01"]),
            'no RSE of a lake is called "LAKE-01"; there are LAKE-1, LAKE-2, … and LAKE-REDIR, '
            "LAKE-GSIFTP, LAKE-APACHE",
        ),
        (lambda: make_shape(only=[]), "a lake needs at least one RSE"),
        (lambda: make_shape(-1), "--rses takes a number from 0 to 100, not -1"),
        (
            lambda: choose_with(["gsi,ftp"]),
            f'--with knows no "ftp"; it takes: gsi, {", ".join(NAMES)}',
        ),
        (lambda: known_rse("X", ["A", "B"]), 'this lake has no RSE "X"; it has: A, B'),
    ],
)
def test_wrong_wishes_have_their_sentence(make: object, sentence: str) -> None:
    assert callable(make)
    with pytest.raises(UsageError) as caught:
        make()
    assert str(caught.value) == sentence


def test_a_size_without_unit_says_what_is_wrong() -> None:
    with pytest.raises(UsageError, match='the fault "full:20": '):
        FaultChoice.parse("full:20")
