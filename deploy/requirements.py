"""`python -m deploy.requirements <uv>`: pin what the image and `make run` install."""

import subprocess
import sys

from deploy.checks import DEPLOY, ROOT
from deploy.checks.files import NOT_IN_IMAGE

HEAD = """\
# What the image installs: every package pinned, every file of it known by its hash, and no index named.
# Made by `make deploy-requirements` from pyproject.toml and the pins of requirements-dev.txt; do not edit.
# PostgreSQL and ffmpeg are no packages here: the image has Debian's ffmpeg, and the database is a server elsewhere.
"""


HEAD_HERE = """\
# What `make run` installs: every package pinned.
# Made by `make deploy-requirements` from pyproject.toml and the pins of requirements-dev.txt; do not edit.
"""


def main(program: str) -> None:
    """Resolve with uv, from the package index that it is set up for, and write the files."""
    image = ["--python-platform", "linux", "--generate-hashes"]
    for name in sorted(NOT_IN_IMAGE):
        image += ["--no-emit-package", name]
    (DEPLOY / "requirements.txt").write_text(HEAD + _resolved(program, *image))
    (ROOT / "requirements.txt").write_text(HEAD_HERE + _resolved(program, "--universal"))


def _resolved(program: str, *more: str) -> str:
    command = [
        program, "pip", "compile", "pyproject.toml", "--all-extras", "--constraint", "requirements-dev.txt",
        "--python-version", "3.11", "--no-emit-index-url", "--no-annotate", "--no-header", "--quiet", *more,
    ]  # fmt: skip
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    main(sys.argv[1])
