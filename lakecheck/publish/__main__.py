"""`python -m lakecheck.publish`."""

import sys

from lakecheck.publish import main

sys.exit(main())
