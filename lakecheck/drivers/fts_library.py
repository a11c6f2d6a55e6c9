"""FTS's Python client with its M2Crypto: loaded without traces, and kept from spoiling TLS."""

from __future__ import annotations

import contextlib
import importlib
import sys
import warnings
from collections.abc import Iterator


def load() -> None:
    """Import it; raises ImportError where it is not installed."""
    with quiet():
        importlib.import_module("fts3.rest.client.easy")
    # Its copy of six leaves an importer that Python warns of whenever anything is imported.
    left = [each for each in sys.meta_path if type(each).__module__ != "M2Crypto.six"]
    sys.meta_path[:] = left


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Hear no warnings: M2Crypto is old, and the client leaves files for Python to close."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def forget_errors() -> None:
    """Empty OpenSSL's list of errors, of this thread.

    Delegating leaves one there, and Python takes it for the next connection's.
    """
    from M2Crypto import m2  # type: ignore[import-untyped]

    while m2.err_get_error():
        pass
