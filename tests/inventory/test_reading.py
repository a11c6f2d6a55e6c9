"""Reading catalogues: what a server or a file may do, and the sentence for it."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest

from lakecheck.inventory import Unread, fetch, reading
from tests.inventory.server import Cric


def trouble(located: str, timeout: float = 5, ca: str = "") -> str:
    with pytest.raises(Unread) as caught:
        fetch(located, timeout, ca)
    return str(caught.value)


def test_a_url(cric: Cric) -> None:
    cric.lists("A")

    assert fetch(cric.url) == cric.content


@pytest.mark.parametrize("statuses", [[503], [500], [429]])
def test_a_server_that_is_busy_is_asked_again(cric: Cric, statuses: list[int]) -> None:
    cric.statuses = statuses

    assert fetch(cric.url) == b"{}"
    assert cric.asked == 2


def test_a_server_that_refuses(cric: Cric) -> None:
    cric.statuses = [403]

    assert trouble(cric.url) == "it answered 403 Forbidden"
    assert cric.asked == 1


def test_a_server_that_stays_busy(cric: Cric) -> None:
    cric.statuses = [503, 502, 500]

    assert trouble(cric.url) == "it answered 502 Bad Gateway"


def test_a_redirect_is_followed_and_a_circle_left(cric: Cric) -> None:
    cric.statuses, cric.location = [302], cric.url
    assert fetch(cric.url) == b"{}"

    cric.statuses = [302] * 50
    assert "the connection broke: too many redirects" in trouble(cric.url)


def test_a_server_that_drips_ends_in_time(cric: Cric) -> None:
    cric.content, cric.seconds = b" " * 1000, 0.05
    began = time.monotonic()

    assert trouble(cric.url, timeout=0.5) == "it did not answer within 500ms"
    assert time.monotonic() - began < 3


def test_a_server_that_never_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"

        assert trouble(url, timeout=0.4) == "it did not answer within 400ms"


def test_nothing_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]

    assert "it cannot be reached: " in trouble(f"http://127.0.0.1:{port}/")
    assert "Connection refused" in trouble(f"http://127.0.0.1:{port}/")


def test_what_is_no_tls(cric: Cric) -> None:
    told = trouble(cric.url.replace("http:", "https:"))

    assert told.startswith("its certificate is not trusted or TLS broke")


def test_a_ca_that_is_none(cric: Cric, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")

    assert trouble(cric.url, ca=str(tmp_path / "ca.pem")).startswith(f"the CA {tmp_path}/ca.pem")
    assert trouble(cric.url, ca=str(tmp_path / "missing")).startswith("the CA ")


def test_too_much(cric: Cric, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LARGEST", 1000)
    cric.content = b"x" * 1001
    (tmp_path / "x").write_bytes(cric.content)

    assert trouble(cric.url) == trouble(str(tmp_path / "x")) == "it is larger than 64MB"


def test_files(tmp_path: Path) -> None:
    (tmp_path / "dump.json").write_text("{}")

    assert fetch(str(tmp_path / "dump.json")) == b"{}"
    assert trouble(str(tmp_path / "none")) == "no such file or directory"
    assert trouble(str(tmp_path)) == "it is no file"
    assert trouble("/dev/zero") == "it is no file"
    assert "over https or http" in trouble("ftp://x/y")
    assert "no user name" in trouble("https://me:geheim@x/y")


@pytest.mark.parametrize("login", ["", "me:geheim@"])
def test_a_proxy_of_the_network_is_asked(
    cric: Cric, login: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cric.lists("A")
    proxy = cric.url.partition("://")[2].partition("/")[0]
    monkeypatch.setenv("http_proxy", f"http://{login}{proxy}")

    assert fetch("http://cric.invalid/x") == cric.content
    assert fetch(cric.url) == cric.content
    monkeypatch.setenv("no_proxy", "cric.invalid")
    assert trouble("http://cric.invalid/x") == "its host name cannot be resolved"


def test_a_proxy_that_does_not_serve(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "me:geheim@127.0.0.1:1")
    told = trouble("https://cric.invalid/x")

    assert told.startswith("the proxy of https_proxy does not serve: ")
    assert "geheim" not in told
    monkeypatch.setenv("https_proxy", "ftp://[me:geheim@x")
    assert "is no proxy" in trouble("https://cric.invalid/x")
