"""What a process keeps from the garbage collector once it has started."""

import subprocess
import sys

SCRIPT = """
import gc
from kiroku.memory import keep_what_is_here
here = [[] for _ in range(1000)]
keep_what_is_here()
assert gc.get_freeze_count() > 1000, "what was there is looked at"
ring = []
ring.append(ring)
here.append(ring)
assert gc.get_threshold()[0] > 10_000, "it comes as often as before"
del here, ring
assert gc.collect() >= 1, "it finds no cycles any more"
"""


def test_the_collector_leaves_out_what_is_there_and_still_finds_what_comes_later() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
