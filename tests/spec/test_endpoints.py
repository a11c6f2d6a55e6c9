from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakecheck.spec.endpoints import EndpointShape, EndpointURL, parse

HOSTS = st.sampled_from(["h", "dcache.desy.de", "192.0.2.1", "[2001:db8::7]", "a-b_c.d"])
PATHS = st.text(alphabet="abz09/%20~.:,=+é-", max_size=20).map(lambda text: f"/{text}")


@given(st.sampled_from(["davs", "root", "gsiftp", "s3+https"]), HOSTS, st.integers(1, 65535), PATHS)
def test_a_path_is_kept_as_written_but_for_a_slash_at_its_end(
    scheme: str, host: str, port: int, path: str
) -> None:
    url = parse(f"{scheme}://{host}:{port}{path}")

    assert (url.scheme, url.port, url.path) == (scheme, port, path.rstrip("/"))
    assert url.host == host.strip("[]")
    assert parse(url.url) == url


def test_a_scheme_is_lower_case() -> None:
    assert parse("DAVS://H:1/X") == EndpointURL("davs://H:1/X", "davs", "H", 1, "/X")


@pytest.mark.parametrize("text", ["root://h:1094", "root://h:1094/", "root://h:1094//"])
def test_without_prefix(text: str) -> None:
    assert parse(text) == EndpointURL("root://h:1094", "root", "h", 1094, "")


PARTS = ["a", ":", "1", "/", "@", "?", "#", " ", "[::1]", "99999", "é", "%20", "\x7f", "\\", "."]


@given(st.lists(st.sampled_from(PARTS), max_size=6).map(lambda parts: "davs://a" + "".join(parts)))
def test_any_text_is_an_endpoint_of_the_schema_or_a_sentence(text: str) -> None:
    pattern = EndpointShape().schema()["pattern"]
    told = ""
    try:
        parse(text)
    except ValueError as error:
        told = str(error)

    # A pattern does not count, so it knows nothing of the largest port.
    fits = bool(re.search(pattern, text)) and "ports are 1 to 65535" not in told
    assert fits == (told == "")
