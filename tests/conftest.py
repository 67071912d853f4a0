"""What holds for all tests: what their modules and libraries have loaded is not looked through for garbage.

A test process holds some hundred thousand objects that stay until its end. Looking for cycles among them while modules
are read, and again during the tests, took a quarter of the time of the unit tests.
"""

import gc

import pytest

from kiroku.memory import COLLECT_AFTER

gc.disable()


def pytest_collection_finish(session: pytest.Session) -> None:
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)
    gc.enable()
