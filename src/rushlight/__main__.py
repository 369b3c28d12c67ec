"""`python -m rushlight script.py`: see `_compat/run.py`."""

import sys

from rushlight._compat.run import main

if __name__ == "__main__":
    main(sys.argv[1:])
