from __future__ import annotations

import base64
import zlib

import pytest

from lakecheck.views.outcome import Outcome, read
from lakecheck.views.report.picture import _COLOURS, _DIGITS, pack, picture
from tests.views.runs import DENIED, Run

NAMES = ("A", "B", "C")


def drawn() -> tuple[dict[tuple[str, str], list[Outcome]], bytes]:
    run = Run()
    run.link("A", "B")
    run.link("A", "C", trouble=DENIED)
    links = {(o.source, o.destination): [o] for o in read(run.documents)}
    image = picture(links, NAMES, NAMES).image
    return links, base64.b64decode(image.removeprefix("data:image/png;base64,"))


def chunks(png: bytes) -> dict[bytes, bytes]:
    found = {}
    at = 8
    while at < len(png):
        length = int.from_bytes(png[at : at + 4], "big")
        kind, content = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        assert zlib.crc32(kind + content) == int.from_bytes(png[at + 8 + length :][:4], "big")
        found[kind] = content
        at += 12 + length
    return found


def test_the_image_has_a_pixel_for_each_link() -> None:
    parts = chunks(drawn()[1])
    order = list(_COLOURS)
    rows = zlib.decompress(parts[b"IDAT"])
    pixels = [[order[number] for number in rows[4 * row + 1 : 4 * row + 4]] for row in range(3)]

    assert parts[b"IHDR"][:8] == (3).to_bytes(4, "big") * 2
    assert pixels == [["none", "passed", "failed"], ["none"] * 3, ["none"] * 3]


@pytest.mark.parametrize("value", [0.002, 0.4, 11.2, 3600.0, 1.5e6, 9.9e9])
def test_packed_numbers_come_back_within_one_percent(value: float) -> None:
    first, second = pack(value)
    level = _DIGITS.index(first) * 64 + _DIGITS.index(second)
    # The same formula as in page.js.
    assert 1e-4 * 10 ** ((level - 1) / 4094 * 16) == pytest.approx(value, rel=0.01)


def test_no_number_and_zero_are_packed_as_nothing() -> None:
    assert pack(None) == pack(0.0) == "AA"
    assert pack(1e-9) != "AA"
    assert len(pack(1e30)) == 2
