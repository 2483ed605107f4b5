"""`python -m pages.parts.start.standalone FILE`."""

import sys

from pages.parts.start.standalone import main

sys.exit(main(sys.argv[1:]))
