"""Errors of the REST interface."""

from __future__ import annotations

from http import HTTPStatus

# FTS's own, which HTTP does not know.
NEED_DELEGATION = 419


class Refused(Exception):
    """A request that is answered with an HTTP status and a sentence."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message

    @property
    def line(self) -> str:
        """The status with its name: `400 Bad Request`."""
        return f"{self.status} {phrase(self.status)}"


def phrase(status: int) -> str:
    """Give a status its name."""
    if status == NEED_DELEGATION:
        return "Authentication Timeout"
    # Python's `Unprocessable` and its like are written as Werkzeug writes them, mostly the same.
    return HTTPStatus(status).phrase
