"""Ids are UUIDs of version 4, and no two are the same."""

import os
from concurrent.futures import ThreadPoolExecutor
from uuid import RFC_4122, UUID

from chassis.ids import new_id


def test_an_id_is_a_random_uuid() -> None:
    for _ in range(1000):
        found = UUID(new_id())
        assert (found.version, found.variant) == (4, RFC_4122)


def test_threads_never_get_the_same() -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: new_id(), range(5_000)))
    assert len(set(found)) == 5_000
    assert all(str(UUID(each)) == each for each in found[:100])


def test_a_forked_process_goes_its_own_way() -> None:
    new_id()
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.write(writing, new_id().encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reading, 36).decode() != new_id()
