"""Where people read: a console whose reader may leave."""

from __future__ import annotations

import os
import sys

import rich.console


class Console(rich.console.Console):
    """rich's console; once nobody reads it any more (`| head`), it is silent.

    rich itself would end the process with exit code 1, which says that a test has failed.
    """

    def on_broken_pipe(self) -> None:
        """Say nothing more, also not when the streams are closed."""
        self.quiet = True
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stderr.fileno() if self.stderr else sys.stdout.fileno())
        os.close(nowhere)
