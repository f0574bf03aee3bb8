"""``python -m mellm_demo``: hands over to the command line and knows nothing else."""

import sys

from mellm_demo.cli import main

if __name__ == "__main__":
    sys.exit(main())
