"""`python -m lakecheck.devlake.fts CONFIG`: the transfer service as a lake starts it."""

from __future__ import annotations

import asyncio
import logging
import sys
from pathlib import Path

from lakecheck.devlake.fts.config import read
from lakecheck.devlake.fts.server import serve
from lakecheck.errors import LakecheckError


def main() -> int:
    """Serve until told to end."""
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stdout
    )
    try:
        asyncio.run(serve(read(Path(sys.argv[1]))))
    except LakecheckError as wrong:
        logging.getLogger("lakecheck.devlake.fts").error("%s", wrong)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
