"""Rucio's client with connections, tokens and errors of our own; importing it takes half a second.

It is imported by rucio_client.py only, which keeps the user's configuration out of it.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from rucio.client import Client
from rucio.common.constants import HTTPMethod
from rucio.common.utils import build_url

from lakecheck.drivers import rucio_errors
from lakecheck.drivers.classify import host_of
from lakecheck.drivers.proxies import proxy_for
from lakecheck.errors import BadCredential, DriverError, Overloaded, ProtocolError, TesterFailed

AT_ONCE = 8  # connections that are kept
OLDEST = 32  # major version of a server that has all that is asked here
BUSY = (502, 503, 504)  # statuses at which the client would sleep, and forget why


class _Connections(requests.Session):
    """Requests that neither take a password from a netrc nor lose what went wrong."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False
        self.trouble: DriverError | None = None  # the last; the client drops some
        for scheme in ("http://", "https://"):
            self.mount(scheme, HTTPAdapter(pool_maxsize=AT_ONCE))

    def request(self, method: str, url: str | bytes, *args: Any, **more: Any) -> Any:
        """Ask, through a proxy where `https_proxy` names one; DriverError without an answer."""
        address = str(url)
        host = host_of(address)
        if proxy := proxy_for(address):
            more["proxies"] = {urlsplit(address).scheme: proxy}
        try:
            answer = super().request(method, url, *args, **more)
        except OSError as error:  # a RequestException, or one about the CA
            self.trouble = rucio_errors.unanswered(error, address)
            raise self.trouble from None
        if answer.status_code in BUSY:
            told = f"Rucio at {host} answered HTTP {answer.status_code} {answer.reason}"
            self.trouble = Overloaded(
                told.rstrip(), code=answer.status_code, side="service", host=host
            )
            raise self.trouble
        return answer


class RestClient(Client):  # type: ignore[misc]  # the client has no annotations
    """The whole client; its token stays in memory.

    Methods named after BaseClient replace private ones of it.
    """

    @staticmethod
    def check_version(url: str, verify: str | bool, timeout: tuple[float, float]) -> None:
        """Ask a server for its version, which needs no login; DriverError where it will not do."""
        with _Connections() as connections:
            answer = connections.get(f"{url}/ping", timeout=timeout, verify=verify)
        try:
            version = str(answer.json()["version"])
        except (ValueError, KeyError, TypeError):
            told = f"what answers at {url} is no Rucio"
            raise ProtocolError(told, side="service", host=host_of(url)) from None
        major = version.partition(".")[0]
        if not major.isdecimal() or int(major) < OLDEST:
            raise TesterFailed(
                f"Rucio at {url} is of version {version}; lakecheck needs {OLDEST} or newer"
            )

    @property
    def session(self) -> requests.Session:
        """Its connections."""
        return self._connections

    @session.setter
    def session(self, _: requests.Session) -> None:
        # The client makes one of its own when it begins, and at each login after that.
        self._connections = _Connections()

    def list_rse_account_usage(self, rse: str) -> list[dict[str, Any]]:
        """Give what each account uses on an RSE, which the client has no call for."""
        url = build_url(self.host, path=f"{self.RSE_BASEURL}/{rse}/accounts/usage")
        answer = self._send_request(url, method=HTTPMethod.GET)
        if answer.status_code == requests.codes.ok:
            # One JSON text a line, though the server calls all of it one.
            try:
                return [json.loads(line) for line in answer.text.splitlines()]
            except ValueError:
                told = f"Rucio at {self.host} tells the usage of {rse} in no JSON"
                raise ProtocolError(told, side="service", host=host_of(self.host)) from None
        error, told = self._get_exception(
            headers=answer.headers, status_code=answer.status_code, data=answer.content
        )
        raise error(told)

    def _get_auth_tokens(self) -> tuple[None, str, str, str]:
        return None, "", "", ""  # files that hold tokens: there are none

    def _BaseClient__read_token(self) -> bool:
        if self.auth_type != "oidc":
            return False
        self.auth_token = self.creds["token"]
        self.headers["X-Rucio-Auth-Token"] = self.auth_token
        return True

    def _BaseClient__write_token(self) -> None:
        """Keep it in memory."""

    def _BaseClient__get_token_oidc(self) -> bool:
        # The client would ask a person at the terminal to log in with a browser.
        raise BadCredential(f"Rucio at {self.host} does not accept the token: get a new one")
