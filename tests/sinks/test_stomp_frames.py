"""Frames of STOMP, in whatever pieces they come."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakecheck.sinks.wire.answers import Held, TooLarge, trouble_of
from lakecheck.sinks.wire.frames import Frame, NoFrame, Reader, frame

TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({cut % (len(data) + 1) for cut in cuts} | {0, len(data)})
    return [data[a:b] for a, b in pairwise(places)]


def read(parts: list[bytes]) -> list[Frame]:
    reader = Reader()
    return [each for part in parts for each in reader.feed(part)]


@given(
    st.lists(st.tuples(st.dictionaries(TEXTS, TEXTS, max_size=4), st.binary()), max_size=4),
    st.lists(st.integers(min_value=0)),
)
def test_what_is_written_is_read_in_any_pieces(
    wanted: list[tuple[dict[str, str], bytes]], cuts: list[int]
) -> None:
    wanted = [({**headers, "content-length": str(len(body))}, body) for headers, body in wanted]
    data = b"\n".join(frame("MESSAGE", headers, body) for headers, body in wanted)
    found = read(pieces(data, cuts))
    assert [(each.headers, each.body) for each in found] == wanted


def test_a_body_without_its_length_ends_at_the_first_zero() -> None:
    (found,) = read([b"\n\nMESSAGE\r\na:b\r\na:c\r\n\r\nbo\ndy\0\n"])
    assert found == Frame("MESSAGE", {"a": "b"}, b"bo\ndy")


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x15\x03\x03\x00\x02\x02\x46",
        b"MESSAGE\ncontent-length:2\n\nabc\0",
        b"MESSAGE\ncontent-length:-1\n\nabc\0",
        b"MESSAGE\ncontent-length:9999999999999\n\n",
        b"MESSAGE\n" + b"x" * 70_000,
    ],
)
def test_what_is_no_frame_is_refused(data: bytes) -> None:
    with pytest.raises(NoFrame):
        read([data])


@pytest.mark.parametrize(
    ("said", "sort", "lasting"),
    [
        ("The maximum frame size was exceeded", TooLarge, False),
        ("Client: x already connected from tcp://1.2.3.4:5", Held, False),
        ("User name [x] or password is invalid.", None, True),
        ("User x is not authorized to write to: queue://y", None, True),
        ("Persistent store is Full, 100% of 10. Stopping producer", None, False),
        ("Usage Manager memory limit (16777216) reached. Rejecting send", None, False),
        ("something new", None, False),
    ],
)
def test_what_a_broker_says_means_something(said: str, sort: type | None, lasting: bool) -> None:
    trouble = trouble_of("here:1", Frame("ERROR", {"message": said}, b""), "x")
    assert said in str(trouble)
    assert trouble.lasting == lasting
    assert sort is None or isinstance(trouble, sort)
