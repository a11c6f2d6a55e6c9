"""Whom we trust when we speak TLS to servers that are no storages."""

from __future__ import annotations

import os
import ssl


def trusting(ca: str) -> ssl.SSLContext:
    """Make a context for a file or folder of authorities, else the machine's; OSError."""
    ca = os.path.expanduser(ca)
    folder = os.path.isdir(ca)
    return ssl.create_default_context(
        cafile=ca if ca and not folder else None, capath=ca if folder else None
    )
