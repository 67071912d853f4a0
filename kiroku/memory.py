"""Tells the C library's allocator to give memory back, and the garbage collector where there is nothing to be found.

Lists of many megabytes come and go in many threads.
"""

import ctypes
import gc
import sys
import threading
import time

M_MMAP_THRESHOLD, M_ARENA_MAX = -3, -8
# glibc raises the threshold with each large block that is freed; blocks below it stay in the heap and tear holes in it.
LARGE = 512 * 1024
# By default each thread gets an arena of its own, up to eight a processor, and keeps what was once used in it.
ARENAS = 2
TRIM_SECONDS = 2.0
# Requests leave no cycles behind, and answers that are kept are thousands of objects.
COLLECT_AFTER = (50_000, 20, 100)


def give_memory_back() -> None:
    """Set both on Linux with glibc; elsewhere nothing happens. Call it before threads are started."""
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, LARGE)
        mallopt(M_ARENA_MAX, ARENAS)


def keep_trimming() -> None:
    """Return free pages to the system every two seconds, in a thread of its own; nothing happens without glibc."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform.startswith("linux") else None
    if trim is None:
        return

    def run() -> None:
        while True:
            time.sleep(TRIM_SECONDS)
            trim(0)

    threading.Thread(target=run, name="trim", daemon=True).start()


def keep_what_is_here() -> None:
    """Let the garbage collector leave out what is there now, as it stays to the end, and come less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)
