"""Every recorded case in the embedded shape."""

from tests.support.server import EMBEDDED

from .recorded import *  # noqa: F403

SHAPE = EMBEDDED
