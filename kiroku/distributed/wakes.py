"""Wake-ups: after each commit every process hears which service moved. Losing one costs a second, never an event.

Gateways hear at once, as they pass changes on to live connections and forget the answers that these touch. They are
told what they need of the events, too, where that is short (`chassis.news`): to read it takes another call. Services,
which gather what they follow anyway, hear less often: a wake-up is work in every process.
"""

import contextlib
import queue
import threading
import time
from collections.abc import Callable
from time import monotonic
from typing import Any, NamedTuple

import msgspec

from chassis.changes import Change
from chassis.moves import Move, move_of
from chassis.news import News, news_of
from kiroku.distributed.broker import SERVICES_WAKES, WAKES, Broker, declare_wakes
from kiroku.distributed.line import Line, LineDown

MOVES, NEWS = "kiroku-moves", "kiroku-news"
MANY_MOVES = 100
LONGEST_NEWS = 16 * 1024
# After a wake-up, what is committed within this time (in seconds) is told by the next one: to gateways, to services.
PACE, SERVICES_PACE = 0.01, 0.05

_decode_moves = msgspec.json.Decoder(list[Move]).decode
_decode_news = msgspec.json.Decoder(list[News]).decode


class Told(NamedTuple):
    """A commit: what it has moved, and its news if they are short."""

    move: Move
    news: News | None = None


class Wakes:
    """Tells and hears wake-ups over fanout exchanges. Each says which service moved, and what it has moved."""

    def __init__(self, broker: Broker, exchange: str, *, opened: Callable[[], None] = lambda: None) -> None:
        """Connect to `broker`; hear those of `exchange`: WAKES, or SERVICES_WAKES, which tell newest positions alone.

        `opened` is called whenever wake-ups begin to be heard, perhaps after a pause.
        """
        self._exchange = exchange
        self._listeners: list[Callable[[str], None]] = []
        self._followers: list[Callable[[str, Move], None]] = []
        self._readers: list[Callable[[str, list[News]], None]] = []
        self._opened = opened
        self._line = Line(broker, "wakes", opened=self._open)
        self._moved: queue.SimpleQueue[tuple[str, Told] | None] = queue.SimpleQueue()
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

    def read(self, reader: Callable[[str, list[News]], None]) -> None:
        """Call `reader` with the name of each service that has committed something, and with what is told of it."""
        self._readers.append(reader)

    def committed(self, service: str, position: int, changes: list[Change]) -> None:
        """Note a commit of `service`: an `on_commit` listener, once bound to the name."""
        self._moved.put((service, Told(move_of(position, changes), news_of(position, changes))))

    def _open(self, channel: Any) -> None:
        channel.basic_consume(declare_wakes(channel, self._exchange), no_ack=True, callback=self._heard)
        self._opened()

    def _heard(self, message: Any) -> None:
        body = message.body
        service = body.decode() if isinstance(body, bytes) else str(body)
        for move in moves_of(message) if self._followers else ():
            for follower in self._followers:
                follower(service, move)
        for listener in self._listeners:
            listener(service)
        news = news_of_message(message) if self._readers else []
        for reader in self._readers:
            reader(service, news)

    def _tell(self) -> None:
        newest: dict[str, list[Told]] = {}
        due = 0.0
        while (moves := self._told(due if newest else None)) is not None:
            self._send(WAKES, moves)
            newest.update({service: [Told(its[-1].move)] for service, its in moves.items()})
            if newest and monotonic() >= due:
                self._send(SERVICES_WAKES, newest)
                newest, due = {}, monotonic() + SERVICES_PACE
            if moves:
                time.sleep(PACE)

    def _told(self, until: float | None) -> dict[str, list[Told]] | None:
        """Wait for commits, not longer than `until`; return those of each service, None at the end."""
        moves: dict[str, list[Told]] = {}
        try:
            told = self._moved.get(timeout=None if until is None else max(0.0, until - monotonic()))
            while told is not None:
                its = moves.setdefault(told[0], [])
                its.append(told[1])
                if len(its) == MANY_MOVES:
                    return moves
                told = self._moved.get_nowait()
        except queue.Empty:
            return moves
        return None

    def _send(self, exchange: str, moves: dict[str, list[Told]]) -> None:
        for service, its in moves.items():
            headers = {MOVES: msgspec.json.encode([told.move for told in its]).decode()}
            # Of all commits or of none: who has seen what is told must not believe that this is all.
            news = msgspec.json.encode([told.news for told in its])
            if exchange == WAKES and all(told.news for told in its) and len(news) <= LONGEST_NEWS:
                headers[NEWS] = news.decode()
            with contextlib.suppress(LineDown):
                self._line.send(None, exchange, "", service.encode(), application_headers=headers)


def moves_of(message: Any) -> list[Move]:
    """Return the moves that a wake-up tells; none for one that only says who moved."""
    told = (message.properties.get("application_headers") or {}).get(MOVES)
    return _decode_moves(told) if told else []


def news_of_message(message: Any) -> list[News]:
    """Return the news that a wake-up tells: of all commits that it tells of, in any order, or none."""
    told = (message.properties.get("application_headers") or {}).get(NEWS)
    return _decode_news(told) if told else []
