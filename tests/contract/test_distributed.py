"""Every recorded case in the distributed shape, over RabbitMQ."""

from tests.support.server import DISTRIBUTED

from .recorded import *  # noqa: F403

SHAPE = DISTRIBUTED
