"""Rucio's REST server as a WSGI application."""

from __future__ import annotations

from . import database

database.share()

from rucio.web.rest.main import application  # noqa: E402  (Rucio must find the transactions)

__all__ = ["application"]
