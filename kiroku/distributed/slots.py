"""Where replies come back to those who wait for them."""

import threading
from contextlib import suppress
from time import monotonic

import msgspec

from chassis.at_once import Pausable, pass_on, pausable
from kiroku.distributed.wire import unpack_many


class Slot:
    """Where one call waits for its reply: a thread of its own, or what a thread that serves many has paused."""

    __slots__ = ("_done", "_here", "content", "failed", "finished", "number", "pieces")

    def __init__(self) -> None:
        """Wait for nothing yet."""
        self._here: Pausable | None = pausable()
        self._done = threading.Event() if self._here is None else None
        self.finished = False
        self.number = ""
        self.content: bytes | None = None
        self.pieces: list[bytes] = []
        self.failed = ""

    def named(self, number: str) -> None:
        """Know the number of the message, by which its reply is found."""
        self.number = number

    def take(self, piece: bytes, label: str) -> bool:
        """Take a piece of a reply, labelled `<index>/<count>`; tell whether it was the last.

        A reply begins anew when its process died in the middle and another one took the call.
        """
        index, _, count = (label or "0/1").partition("/")
        if index == "0":
            self.pieces.clear()
        self.pieces.append(piece)
        if len(self.pieces) < int(count):
            return False
        self.content = piece if len(self.pieces) == 1 else b"".join(self.pieces)
        return True

    def finish(self, failed: str = "") -> None:
        """Let go on who waits, with the content that is there, or with the reason why there is none. In any thread."""
        self.failed = failed
        self.finished = True
        if self._done is not None:
            self._done.set()
        elif self._here is not None:
            self._here.wake()

    def wait(self, seconds: float) -> bool:
        """Wait until it is finished, for so many seconds at most; tell whether it is."""
        if self._done is not None:
            pass_on()
            return self._done.wait(seconds)
        until = monotonic() + seconds
        while self._here is not None and not self.finished and (left := until - monotonic()) > 0:
            self._here.pause(left)
        return self.finished


class Together(Slot):
    """Where the replies of calls that were sent as one message come back as one."""

    __slots__ = ("_slots",)

    def __init__(self, slots: list[Slot]) -> None:
        """Finish `slots`, in their order, by what comes back."""
        super().__init__()
        self._slots = slots

    def named(self, number: str) -> None:
        """Know the number of the message."""
        super().named(number)
        for slot in self._slots:
            slot.named(number)

    def finish(self, failed: str = "") -> None:
        """Give each call its own reply; what is not one for each is one for all."""
        self.finished = True
        contents: list[bytes | None] = [self.content] * len(self._slots)
        if self.content is not None:
            with suppress(msgspec.DecodeError):
                contents = list(unpack_many(self.content))
        for slot, content in zip(self._slots, contents, strict=True):
            slot.content = content
            slot.finish(failed)
