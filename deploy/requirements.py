"""`python -m deploy.requirements <uv>`: pin what the image installs, in deploy/requirements.txt."""

import subprocess
import sys

from deploy.checks import DEPLOY, ROOT
from deploy.checks.files import NOT_IN_IMAGE

HEAD = """\
# What the image installs: every package pinned, every file of it known by its hash, and no index named.
# Made by `make deploy-requirements` from pyproject.toml and the pins of requirements-dev.txt; do not edit.
# PostgreSQL and ffmpeg are no packages here: the image has Debian's ffmpeg, and the database is a server elsewhere.
"""


def main(program: str) -> None:
    """Resolve with uv, from the package index that it is set up for, and write the file."""
    command = [
        program, "pip", "compile", "pyproject.toml", "--extra", "s3", "--constraint", "requirements-dev.txt",
        "--python-version", "3.11", "--python-platform", "linux", "--generate-hashes", "--no-emit-index-url",
        "--no-annotate", "--no-header", "--quiet",
    ]  # fmt: skip
    for name in sorted(NOT_IN_IMAGE):
        command += ["--no-emit-package", name]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    (DEPLOY / "requirements.txt").write_text(HEAD + done.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
