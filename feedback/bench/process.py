"""A part of a benchmark in a process of its own, so that one's memory and caches do not count for another."""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any


def child(module: str, *arguments: str, data: object = None, **environment: str) -> dict[str, Any]:
    """Run *module* with *data* as JSON on its standard input. Returns what it prints, which is a JSON object.

    *environment* is added to this process's own.
    """
    result = subprocess.run(  # noqa: S603 - this interpreter, a module of this project
        [sys.executable, "-m", module, *arguments],
        input=json.dumps(data),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
        env=os.environ | environment,
    )
    figures: dict[str, Any] = json.loads(result.stdout)
    return figures


def peak_megabytes() -> float:
    """The most memory this process, or one that it ran, held.

    Linux counts its parent's into `getrusage`, so its own count comes first.
    """
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
        children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        return max(int(status.split("VmHWM:")[1].split()[0]), children) / 1024
    except (OSError, IndexError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)
