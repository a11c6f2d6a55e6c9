"""What Rucio and its client say → our own errors."""

from __future__ import annotations

import re

import requests

from lakecheck.drivers import classify
from lakecheck.drivers.rucio import Options
from lakecheck.errors import (
    BadCredential,
    Denied,
    DriverError,
    Exists,
    Full,
    LakecheckError,
    Missing,
    Overloaded,
    ProtocolError,
    Side,
    TesterFailed,
    TimedOut,
    TlsFailed,
    Unclassified,
    Unreachable,
    Unsupported,
)
from lakecheck.model import Credential, ServiceChoice

# By the names that the server gives its errors, which are those of the client's classes.
_CLASSES: tuple[tuple[type[DriverError], str], ...] = (
    # What was asked cannot be: the spec, or how Rucio knows us, is to be mended, and no site.
    (TesterFailed, r"(Scope|Account|RSE)NotFound|InsufficientAccountLimit|InvalidRSEExpression"),
    (TesterFailed, r"InsufficientTargetRSEs|RSEProtocolNotSupported"),
    (Missing, r".*(NotFound|NoDistance|NoFilesDownloaded|MissingSourceReplica)"),
    (Exists, r".*(Duplicate|AlreadyExists|DuplicateRule|DuplicateContent)"),
    (Denied, r"(RSE|Scope|Source)?AccessDenied|RSEWriteBlocked|CannotAuthorize"),
    (Full, r"RSEOverQuota|FullStorage"),
    (Unsupported, r"Unsupported.*|RSEOperationNotSupported|RSEProtocol.*"),
    (Overloaded, r"ServiceUnavailable|ResourceTemporaryUnavailable|.*TemporaryFailed"),
    (Unreachable, r"ServerConnectionException"),
    (TesterFailed, r"MissingClientParameter|MissingModule.*|Config.*|ClientProtocol.*"),
    (TesterFailed, r"Invalid.*|Input.*|.*WrongParameter|DIDFilterSyntaxError"),
    (ProtocolError, r"DatabaseException|RucioException"),
)
_STATUS = re.compile(r"http status code: (\d+)")
SEVERAL = "206"  # status of a login that fits several accounts
# All settings of an RSE, as Python writes them: nobody wants to read them.
_SETTINGS = re.compile(r"\s*: \{'.*\}\.?\Z")
_LABEL = re.compile(r"\A(CannotAuthenticate|IdentityError): ")


def translated(error: Exception, choice: ServiceChoice, credential: Credential) -> Exception:
    """Give our error for any; one of our own stays as it is, and so does a fault of Python's."""
    if isinstance(error, LakecheckError):
        return error
    if isinstance(error, OSError):
        return unanswered(error, choice.url)
    name = next((each.__name__ for each in type(error).__mro__ if _is_rucio(each)), "")
    if not name:
        return error
    said = _said(error)
    if status := _STATUS.search(said):
        return _by_status(status[1], choice, credential)
    if name in ("CannotAuthenticate", "IdentityError", "NoAuthInformation"):
        return _refused(said, choice, credential)
    kind = next((kind for kind, names in _CLASSES if re.fullmatch(names, name)), Unclassified)
    rule = classify.rule(kind, credential=name == "AccessDenied", phase="request")
    message = f"Rucio: {said}"
    if name == "RSENotFound":
        message += "; leave it out of the test with on:"
    side: Side | None = None if kind is TesterFailed else "service"
    if name == "AccessDenied":
        side = "tester"  # what an account may not do is no storage's fault, nor Rucio's
    return classify.build(rule, message, credential, code=None, side=side, host=_host(choice))


def unanswered(error: OSError, url: str) -> DriverError:
    """Say why a request has no answer."""
    host = classify.host_of(url)
    told = f"Rucio at {host}"
    if isinstance(error, requests.exceptions.ProxyError):
        return Unreachable(f"{told}: the proxy of https_proxy: {_root(error)}", side="tester")
    if isinstance(error, requests.exceptions.SSLError):
        why = f"{told}: {classify.tls_trouble(_root(error))}"
        return TlsFailed(why, side="service", phase="tls", host=host)
    if isinstance(error, requests.Timeout):
        return TimedOut(f"{told} does not answer", side="service", host=host)
    if "TLS CA" in str(error):
        return TesterFailed(f"the CA certificates for Rucio cannot be read: {error}")
    return Unreachable(f"{told}: {_root(error)}", side="service", phase="connect", host=host)


def _root(error: BaseException) -> str:
    """Give the innermost reason of an error: those around it repeat the request."""
    while inner := (error.__cause__ or error.__context__):
        error = inner
    return str(getattr(error, "strerror", "") or error)


def _is_rucio(kind: type) -> bool:
    return kind.__module__ == "rucio.common.exception"


def _said(error: Exception) -> str:
    """Give what an error says, on one line, without labels and Python's own notation."""
    text = _SETTINGS.sub("", " ".join(str(error).split()))
    general, label, details = text.partition("Details: ")
    details = _LABEL.sub("", details)
    return f"{general}{details}" if label else text


def _host(choice: ServiceChoice) -> str | None:
    return classify.host_of(choice.url)


def _refused(said: str, choice: ServiceChoice, credential: Credential) -> DriverError:
    """Say that a login failed; whether for a wrong password or account, Rucio does not tell."""
    options: Options = choice.options
    account = f' for account "{options.account}"' if options.account else ""
    who = {
        "userpass": f'user "{credential.username}" with this password',
        "x509": f'the proxy of credential "{credential.name}"',
    }.get(credential.kind, f'the token of credential "{credential.name}"')
    message = f"Rucio at {choice.url} does not accept {who}{account}: {said}"
    return BadCredential(message, code=401, phase="authenticate", host=_host(choice))


def _by_status(status: str, choice: ServiceChoice, credential: Credential) -> DriverError:
    """Say what an answer means that tells no more than its status."""
    if status == SEVERAL:
        told = f'credential "{credential.name}" fits several accounts of Rucio at {choice.url}'
        return BadCredential(f"{told}; name one with account:", phase="authenticate")
    if status in ("401", "403") and credential.kind == "token":
        return _refused(f"it answered HTTP {status}", choice, credential)
    error = classify.http(int(status), "", choice.url, credential, side="service")
    error.message = f"Rucio at {error.host} answered HTTP {status} and does not say why"
    return error
