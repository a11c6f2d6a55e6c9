"""Secrets are masked, and little else is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakecheck.documents import Redactor

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJyIn0.c2ln"
MACAROON = "MDAxY2xvY2F0aW9uIE9wdGlvbmFsLmVtcHR5CjAwMThpZGVudGlmaWVy"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nAbCd\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"token {JWT} refused", JWT),
        (f"x={JWT}", JWT),
        (f"?authz=Bearer%20{JWT}", JWT),
        (f"a_{JWT}", JWT),
        (f"macaroon {MACAROON}", MACAROON),
        (f"authz=Bearer%20{MACAROON}&x=1", MACAROON),
        ("Authorization: Bearer opaque-one", "opaque-one"),
        ("authorization: Basic cm9ib3Q6c2VjcmV0", "cm9ib3Q6c2VjcmV0"),
        ("BEARER opaque-one, and", "opaque-one"),
        ("GET /x?X-Amz-Signature=0123abcd&y", "0123abcd"),
        ("GET /x?x-amz-credential=AKIA/2026&y", "AKIA/2026"),
        ("https://robot:pass@h.example.org/x", "pass"),
        (PEM, "MIIEow"),
        (PEM.partition("-----END")[0], "AbCd"),
    ],
)
def test_what_looks_like_a_secret_is_masked(text: str, secret: str) -> None:
    told = Redactor().text(f"before {text} after")

    assert secret not in told
    assert "***" in told
    assert told.startswith("before ")


@pytest.mark.parametrize(
    "text",
    [
        "davs://h.example.org:443/x/lakecheck/20261121T090000Z-7f3a90c1",
        "mail ops@example.org",
        "HTTP 403 : Permission refused",
        "the certificate of CN=robot@example.org",
        "adler32:0badcafe",
        "",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert Redactor(["hunter-two"]).text(text) == text


def test_known_literals_are_masked_longest_first() -> None:
    known = Redactor(["secret-one", "secret-one-and-two", "short"])

    assert known.text("secret-one-and-two, secret-one, short") == "***, ***, short"


def test_a_literal_learnt_later_counts() -> None:
    known = Redactor()
    known.learn("minted-by-a-worker")

    assert known.value({"a": ["minted-by-a-worker", 1], "b": {"c": "x minted-by-a-worker"}}) == {
        "a": ["***", 1],
        "b": {"c": "x ***"},
    }


@given(st.text(), st.text(alphabet="abcdefXYZ0123456789-_", min_size=6), st.text())
def test_a_known_secret_never_survives(before: str, secret: str, after: str) -> None:
    assert secret not in Redactor([secret]).text(f"{before}{secret}{after}").replace("***", "")


@given(st.text(alphabet=st.characters()))
def test_every_text_can_be_encoded_afterwards(text: str) -> None:
    Redactor().text(text).encode()


def test_half_a_character_is_written_out() -> None:
    assert Redactor().text("file \udcff") == "file \\udcff"
