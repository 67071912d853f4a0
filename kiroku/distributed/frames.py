"""Frames of AMQP 0-9-1, taken apart from whatever one read of a socket brought.

py-amqp asks the system three times for each frame, and a message is three frames: nine calls where mostly one will do,
each of which lets go of the interpreter and has to wait for it again.
"""

from struct import Struct
from types import TracebackType
from typing import Any

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


class Outlet:
    """Where py-amqp writes frames: out at once or, what is written in a `with` block, in one piece at its end."""

    def __init__(self, transport: Any) -> None:
        """Write to py-amqp's `transport`."""
        self._write = transport.write
        self._held: list[bytes] | None = None

    def write(self, data: Any) -> None:
        """Write frames. They are in memory that the next ones will use."""
        if self._held is None:
            self._write(data)
        else:
            self._held.append(bytes(data))

    def __enter__(self) -> None:
        """Begin to gather."""
        self._held = []

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write what was gathered, unless something went wrong."""
        held, self._held = self._held, None
        if held and kind is None:
            self._write(b"".join(held))
