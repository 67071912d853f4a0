"""Frames of AMQP 0-9-1, taken apart from whatever one read of a socket brought.

py-amqp asks the system three times for each frame, and a message is three frames: nine calls where mostly one will do,
each of which lets go of the interpreter and has to wait for it again.
"""

from struct import Struct

READ = 64 * 1024
END = 0xCE
_HEAD = Struct(">BHI")

# Type, channel and payload, as py-amqp's `on_inbound_frame` takes them.
Frame = tuple[int, int, bytes]


class Frames:
    """What was read of one connection and is not a whole frame yet."""

    def __init__(self) -> None:
        """Begin where a frame begins."""
        self._rest = b""

    @property
    def wanted(self) -> int:
        """Return how many bytes to read at most: the rest of a frame that is larger than usual in one piece."""
        if len(self._rest) < _HEAD.size:
            return READ
        size: int = _HEAD.unpack_from(self._rest)[2]
        return max(READ, _HEAD.size + size + 1 - len(self._rest))

    def take(self, data: bytes) -> list[Frame]:
        """Return the frames that `data` completes. Raises ValueError where it is none."""
        data = self._rest + data if self._rest else data
        frames, at, whole = list[Frame](), 0, len(data)
        while at + _HEAD.size < whole:
            kind, channel, size = _HEAD.unpack_from(data, at)
            start = at + _HEAD.size
            end = start + size
            if end >= whole:
                break
            if data[end] != END:
                raise ValueError(f"a frame of the broker ends with {data[end]:#x}")
            frames.append((kind, channel, data[start:end]))
            at = end + 1
        self._rest = data[at:]
        return frames
