from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakecheck.drivers.webdav_urls import encrypted, joined, named, parent, path_of, wire
from lakecheck.errors import Unsupported


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("davs://h:1/a/b", "https://h:1/a/b"),
        ("dav://h:1/a", "http://h:1/a"),
        ("https://[::1]:1/a", "https://[::1]:1/a"),
        ("davs://h:1", "https://h:1/"),
        ("davs://h:1/a%20b", "https://h:1/a%20b"),
        ("davs://h:1/a b", "https://h:1/a%20b"),
        ("davs://h:1/100%", "https://h:1/100%25"),
        ("davs://h:1/a?b#c", "https://h:1/a%3Fb%23c"),
        ("davs://h:1/ü+", "https://h:1/%C3%BC%2B"),
    ],
)
def test_wire(url: str, sent: str) -> None:
    assert wire(url) == sent


def test_other_protocols_are_unsupported() -> None:
    with pytest.raises(Unsupported, match=r'does not speak "root".* only davs, https, dav, http'):
        wire("root://h:1//a")


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
def test_escaping_twice_is_escaping_once(text: str) -> None:
    once = wire(f"davs://h:1/{text}")
    assert wire(once) == once
    assert once.isascii()


@pytest.mark.parametrize(
    ("url", "folder"),
    [
        ("davs://h:1/a/b/", "davs://h:1/a"),
        ("davs://h:1/a", None),
        ("davs://h:1", None),
    ],
)
def test_parent(url: str, folder: str | None) -> None:
    assert parent(url) == folder


@pytest.mark.parametrize(
    ("hop", "location", "following"),
    [
        ("https://m:1/a", "https://s:2/a?authz=Bearer%20x", "https://s:2/a?authz=Bearer%20x"),
        ("https://m:1/a", "https://s:2//a", "https://s:2//a"),
        ("https://m:1/a/b", "/c", "https://m:1/c"),
        # XRootD's managers tell the name unescaped.
        ("https://m:1/a%20b", "https://s:2/a b", "https://s:2/a%20b"),
        ("https://m:1/100%2525", "https://s:2/100%25", "https://s:2/100%2525"),
        ("https://m:1/s%231", "https://s:2/s#1", "https://s:2/s%231"),
        # Others escape it as they should.
        ("https://m:1/100%2525", "https://s:2/100%2525", "https://s:2/100%2525"),
    ],
)
def test_joined(hop: str, location: str, following: str) -> None:
    assert joined(hop, location) == following


def test_names_hide_queries() -> None:
    assert named("https://s:2/a?authz=Bearer%20secret") == "https://s:2/a"
    assert path_of("davs://h:1/a%20b/") == "/a b"
    assert encrypted("https://h/")
    assert not encrypted("http://h/")
