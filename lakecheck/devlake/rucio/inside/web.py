"""Rucio's REST server as a WSGI application."""

from __future__ import annotations

import logging

from . import database

# Rucio warns of what its own clients send, at each request.
logging.basicConfig(level=logging.ERROR)
database.share()

from rucio.web.rest.main import application  # noqa: E402  (Rucio must find the transactions)

__all__ = ["application"]
