"""Rucio's own client, set up in code: no rucio.cfg, no variable, no token file has a say in it.

All calls block; they are made in threads. They raise DriverError inside `told` and nothing else.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import ssl
import sys
import threading
from collections.abc import Iterator
from configparser import ConfigParser
from typing import TYPE_CHECKING, Any

from lakecheck import credentials
from lakecheck.credentials import token
from lakecheck.drivers import rucio_errors
from lakecheck.drivers.rucio import Options
from lakecheck.errors import BadCredential, TesterFailed
from lakecheck.model import Credential, ServiceChoice

if TYPE_CHECKING:
    from rucio.client import Client

CONNECT, READ = 5.0, 60.0  # seconds that a call waits for a connection and for each answer
DEFAULT_VO = "def"  # as Rucio calls the only one
POLICY = "RUCIO_POLICY_PACKAGE"
MISSING = "Rucio's client is not installed: pip install 'lakecheck[rucio]'"

# Its messages come as exceptions too, and it would colour standard error with them.
log = logging.getLogger("lakecheck-rucio-client")
log.addHandler(logging.NullHandler())
log.propagate = False

_one_by_one = threading.RLock()


def client(
    choice: ServiceChoice, credential: Credential, timeout: tuple[float, float] = (CONNECT, READ)
) -> Client:
    """Log in to a Rucio; raises DriverError with a sentence where that cannot be.

    The client may be used from several threads. Calls of it belong into `told`.
    """
    options: Options = choice.options
    kind, known = _login(choice, credential)
    with told(choice, credential):
        try:
            with _alone():
                from lakecheck.drivers.rucio_rest import RestClient
        except ImportError:
            raise TesterFailed(MISSING) from None
        RestClient.check_version(choice.url, trusted(choice.ca), timeout)
        with _alone():
            return RestClient(
                rucio_host=choice.url,
                auth_host=options.auth.rstrip("/") or choice.url,
                account=options.account,
                ca_cert=trusted(choice.ca),
                auth_type=kind,
                creds=known,
                timeout=timeout,
                user_agent="lakecheck",
                vo=options.vo or DEFAULT_VO,
                logger=log,
            )


@contextlib.contextmanager
def told(choice: ServiceChoice, credential: Credential) -> Iterator[None]:
    """Give our own errors for those of the client."""
    try:
        yield
    except Exception as error:
        known = rucio_errors.translated(error, choice, credential)
        if known is error:
            raise
        raise known from None


def trusted(ca: str) -> str | bool:
    """Give what requests shall trust: the CA that is named, else the machine's own."""
    usual = ssl.get_default_verify_paths()
    return ca or usual.cafile or usual.capath or True


def _login(choice: ServiceChoice, credential: Credential) -> tuple[str, dict[str, Any]]:
    """Give the client's name for a sort of credential, and what it wants of it."""
    credentials.check(credential)  # says best what is wrong with it
    if credential.kind == "userpass":
        return "userpass", {
            "username": credential.username,
            "password": str(credential.password),
        }
    if credential.kind == "x509":
        return "x509_proxy", {"client_proxy": credentials.place(credential)}
    if credential.kind == "token":
        return "oidc", {"token": token.read(credential.token).text}
    raise BadCredential(
        f"Rucio at {choice.url} wants to know who asks; name a credential in its service, "
        "such as credential: robot",
        phase="authenticate",
    )


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Keep the user's files, variables and command line from Rucio's client."""
    with _one_by_one:
        from rucio.common import config

        own = ConfigParser()
        own.read_dict({"client": {}, "policy": {}})
        before = config.get_config, config.is_client
        arguments, package = list(sys.argv), os.environ.pop(POLICY, None)
        config.get_config, config.is_client = functools.cache(lambda: own), lambda: True
        sys.argv[:] = ["lakecheck"]  # it sends them to the server, and cuts the first
        try:
            yield
        finally:
            config.get_config, config.is_client = before
            sys.argv[:] = arguments
            if package is not None:
                os.environ[POLICY] = package
