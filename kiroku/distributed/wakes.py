"""Wake-ups: after each commit every process hears which service moved. Losing one costs a second, never an event."""

import contextlib
import queue
import threading
import time
from collections.abc import Callable
from typing import Any

import msgspec

from chassis.changes import Change
from chassis.moves import Move, move_of
from kiroku.distributed.broker import WAKES, Broker, declare_wakes
from kiroku.distributed.line import Line, LineDown

MOVES = "kiroku-moves"
MANY_MOVES = 100
# A wake-up is work in every process: after one, what is committed within this time (in seconds) is told by the next.
PACE = 0.01

_decode_moves = msgspec.json.Decoder(list[Move]).decode


class Wakes:
    """Tells and hears wake-ups over a fanout exchange. Each says which service moved, and what it has moved."""

    def __init__(self, broker: Broker, *, opened: Callable[[], None] = lambda: None) -> None:
        """Connect to `broker`; `opened` is called whenever wake-ups begin to be heard, perhaps after a pause."""
        self._listeners: list[Callable[[str], None]] = []
        self._followers: list[Callable[[str, Move], None]] = []
        self._opened = opened
        self._line = Line(broker, "wakes", opened=self._open)
        self._moved: queue.SimpleQueue[tuple[str, Move] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._tell, name="wakes", daemon=True)

    def start(self) -> None:
        """Connect and tell in the background."""
        self._line.start(5)
        self._thread.start()

    def close(self) -> None:
        """Stop."""
        self._moved.put(None)
        self._line.close()

    def hear(self, listener: Callable[[str], None]) -> None:
        """Call `listener` with the name of each service that has committed something."""
        self._listeners.append(listener)

    def follow(self, listener: Callable[[str, Move], None]) -> None:
        """Call `listener` with each move that is heard of, in any order, and the name of its service."""
        self._followers.append(listener)

    def committed(self, service: str, position: int, changes: list[Change]) -> None:
        """Note a commit of `service`: an `on_commit` listener, once bound to the name."""
        self._moved.put((service, move_of(position, changes)))

    def _open(self, channel: Any) -> None:
        channel.basic_consume(declare_wakes(channel), no_ack=True, callback=self._heard)
        self._opened()

    def _heard(self, message: Any) -> None:
        body = message.body
        service = body.decode() if isinstance(body, bytes) else str(body)
        for move in moves_of(message) if self._followers else ():
            for follower in self._followers:
                follower(service, move)
        for listener in self._listeners:
            listener(service)

    def _tell(self) -> None:
        while (first := self._moved.get()) is not None:
            moves = {first[0]: [first[1]]}
            with contextlib.suppress(queue.Empty):
                while len(moves[first[0]]) < MANY_MOVES and (more := self._moved.get_nowait()) is not None:
                    moves.setdefault(more[0], []).append(more[1])
            for service, its in moves.items():
                headers = {MOVES: msgspec.json.encode(its).decode()}
                with contextlib.suppress(LineDown):
                    self._line.send(None, WAKES, "", service.encode(), application_headers=headers)
            time.sleep(PACE)


def moves_of(message: Any) -> list[Move]:
    """Return the moves that a wake-up tells; none for one that only says who moved."""
    told = (message.properties.get("application_headers") or {}).get(MOVES)
    return _decode_moves(told) if told else []
