"""Frames of the broker come back whole, however the socket cuts what it brings."""

from itertools import pairwise
from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiroku.distributed.frames import END, READ, Frames

FRAMES = st.lists(st.tuples(st.integers(1, 8), st.integers(0, 2047), st.binary(max_size=200)), max_size=12)


def wired(frames: list[tuple[int, int, bytes]], end: int = END) -> bytes:
    return b"".join(pack(">BHI", kind, channel, len(body)) + body + bytes([end]) for kind, channel, body in frames)


@given(FRAMES, st.lists(st.integers(0, 3000), max_size=20))
def test_frames_come_back_in_their_order_wherever_they_were_cut(
    frames: list[tuple[int, int, bytes]], cuts: list[int]
) -> None:
    data, taken = wired(frames), Frames()
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    found = [frame for start, end in pairwise(places) for frame in taken.take(data[start:end])]
    assert found == frames


def test_the_rest_of_a_large_frame_is_wanted_in_one_piece() -> None:
    whole = wired([(3, 1, bytes(3 * READ))])
    frames = Frames()
    assert frames.wanted == READ
    assert frames.take(whole[:READ]) == []
    assert frames.wanted == len(whole) - READ
    assert frames.take(whole[READ:]) == [(3, 1, bytes(3 * READ))]
    assert frames.wanted == READ


def test_what_is_no_frame_is_refused() -> None:
    with pytest.raises(ValueError, match="ends with 0x0"):
        Frames().take(wired([(1, 1, b"method")], end=0))
