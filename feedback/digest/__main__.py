"""The process that makes a large file: `python -m feedback.digest FORMAT`, a pickled digest in, the file out.

Only the process that started it speaks to it.
"""

import pickle
import sys

from feedback.digest import render
from feedback.digest.pdf import NoFont
from feedback.digest.typeset import NO_FONT


def main(form: str) -> int:
    """Read, write, and return the exit status: `NO_FONT` where the machine has no font for a PDF."""
    try:
        content = render(pickle.load(sys.stdin.buffer), form)  # noqa: S301 - from the process that started this one
    except NoFont:
        return NO_FONT
    sys.stdout.buffer.write(content)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
