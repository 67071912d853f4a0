"""Answers that a gateway keeps for as long as it knows that they would be the same.

In the distributed shape every process tells after a commit what it has moved (`chassis.moves`). An answer is used again
for a client while nothing it was made of has moved and all that this client has written, or was shown, is known here.
"""

import threading
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from sys import intern
from time import monotonic
from typing import NamedTuple

from chassis.answers import SURE_SECONDS, Answer, Key, Store, key_of
from chassis.at_once import note_light, pausable, waits
from chassis.errors import DomainError
from chassis.messages import Reply, Request
from chassis.moves import ALL, Move
from chassis.operations import Operation
from chassis.telemetry import KEPT_ANSWERS
from chassis.weights import QUICK_SECONDS, Weights
from gateway.identity import Bus

LATE_SECONDS, WANTED_SECONDS = 1.0, 10.0
MANY_MOVES = 1_000


class Log:
    """What is known of one service's log: all moves from `base` to `known`, and by slot the last one."""

    def __init__(self, head: int) -> None:
        """Know all moves from `head` on."""
        self.base = self.known = head
        self.last: dict[str, int] = {}
        self.moved_all = 0
        self.sure_until = 0.0
        self._early: dict[int, Move] = {}
        self._missed_since = 0.0
        self._told, self._looked = head, 0.0

    def heard(self, move: Move, now: float) -> None:
        """Take a move. They come in any order, now and then not at all: who waits too long begins anew."""
        # Slots before positions: who sees that a position is known must see what it moved.
        for slot in move.slots:
            self.last[slot] = max(move.position, self.last.get(slot, 0))
        if ALL in move.slots:
            self.moved_all = max(move.position, self.moved_all)
        if move.position <= self.known:
            return
        if not self._early:
            self._missed_since = now
        self._early[move.after] = move
        while (following := self._early.pop(self.known, None)) is not None:
            self.known = following.position
            self._missed_since = now
        if self._early and now - self._missed_since > LATE_SECONDS:
            newest = max(early.position for early in self._early.values())
            self._early.clear()
            self.base = self.known = newest
        self._assure()

    def is_at(self, position: int, looked: float) -> None:
        """Take what the service said after the moment `looked`: its log was at `position`."""
        if self.known < self._told:
            # Moves that have not come since the last look were lost.
            self._early.clear()
            self.base = self.known = max(position, self._told)
        self._told, self._looked = position, looked
        self._assure()

    def _assure(self) -> None:
        """Be sure for a while once all moves are known up to where the log was looked at."""
        if self.known >= self._told:
            self.sure_until = self._looked + SURE_SECONDS

    def moved(self, slots: Iterable[str], since: int) -> bool:
        """Tell whether one of `slots` has moved after the position `since`."""
        last = self.last
        return self.moved_all > since or any(last.get(slot, 0) > since for slot in slots)


class Moves:
    """What a gateway knows of all logs. Thread-safe."""

    def __init__(
        self, reacts: Mapping[str, frozenset[str]], follows: Mapping[str, Mapping[str, Collection[str]]] | None = None
    ) -> None:
        """Know nothing yet. `reacts` names by service the kinds of others whose changes may change its own records;
        `follows`, by service and owner, those that it has replicas of.
        """
        self._reacts, self._follows = reacts, follows or {}
        self._logs: dict[str, Log] = {}
        self._early: dict[str, deque[Move]] = {}
        self._written: dict[str, int] = {}
        self._mended: dict[str, int] = {}
        self._lock = threading.Lock()
        self._listening = 0
        self._wanted_until = 0.0
        self.generation = 0
        # What `news` returned, and after how many things had been heard or written.
        self._heard = 0
        self._news: dict[str, tuple[int, dict[str, int]]] = {}

    def listen(self) -> None:
        """Forget all, as moves may have been missed; from now on they are heard."""
        with self._lock:
            self._heard += 1
            self._listening += 1
            self._logs.clear()
            self._early.clear()

    @property
    def services(self) -> Collection[str]:
        """Return the names of all services."""
        return self._reacts.keys()

    @property
    def wanted(self) -> bool:
        """Tell whether somebody has asked lately for what is only answered while it is looked after."""
        return monotonic() < self._wanted_until

    def knows(self, service: str) -> bool:
        """Tell whether it is known what moves in a service's log."""
        return service in self._logs

    def look(self, service: str, state: Callable[[str], tuple[int, int]]) -> bool:
        """Begin the log of a service where `state` says it is, or compare both; tell whether it is known.

        `state` asks for what `Service.state` returns.
        """
        listening, looked = self._listening, monotonic()
        try:
            position, mended = state(service)
        except DomainError:
            return False
        with self._lock:
            if listening != self._listening:
                return False
            if self._mended.setdefault(service, mended) != mended:
                self._mended[service] = mended
                self.generation += 1
            log = self._logs.get(service)
            if log is None:
                log = Log(position)
                for move in self._early.pop(service, ()):
                    log.heard(move, looked)
                self._logs[service] = log
            log.is_at(position, looked)
            self._heard += 1
        return True

    def heard(self, service: str, move: Move) -> None:
        """Take a move of a service's log."""
        with self._lock:
            log = self._logs.get(service)
            if log is None:
                self._early.setdefault(service, deque(maxlen=MANY_MOVES)).append(move)
            else:
                log.heard(move, monotonic())
                self._heard += 1

    def written(self, positions: Mapping[str, int]) -> None:
        """Note the positions of changes that were answered here: nobody is to see less of a service's own records."""
        with self._lock:
            for service, position in positions.items():
                self._written[service] = max(position, self._written.get(service, 0))
            self._heard += 1

    def news(self, service: str) -> dict[str, int]:
        """Return by owner the position of the last thing that was heard of, or answered here, that `service` follows.

        A service that has seen as much shows what was answered before to whomever, though it did not happen there.
        The same dictionary is returned until there is more: it must not be changed.
        """
        heard, found = self._news.get(service, (-1, {}))
        if heard == self._heard:
            return found
        heard, found = self._heard, {}
        for owner, kinds in self._follows.get(service, {}).items():
            log, written = self._logs.get(owner), self._written.get(owner, 0)
            if log is not None and log.known >= written:
                last = log.last
                written = max(log.moved_all, *(last.get(kind, 0) for kind in kinds))
            if written:
                found[owner] = written
        self._news[service] = heard, found
        return found

    def same(self, service: str, answer: Answer, needs: Mapping[str, int]) -> bool:
        """Tell whether a service would give an answer again, to somebody with `needs`."""
        slots, made_at, generation = answer.facts
        if generation != self.generation:
            return False
        now = 0.0 if answer.fresh else monotonic()
        for owner, at in made_at:
            log = self._logs.get(owner)
            if log is None or at < log.base or log.moved(slots, at):
                return False
            if now > log.sure_until:
                self._wanted_until = now + WANTED_SECONDS
                return False
            need = needs.get(owner, 0)
            if need > at and (log.known < need or log.moved(self._reacts[service], at)):
                return False
            if owner == service and log.known < self._written.get(owner, 0) > at:
                return False
        return True


def _itself(reply: Reply) -> Reply:
    return reply


def later(some: Mapping[str, int], others: Mapping[str, int]) -> Mapping[str, int]:
    """Return by service the later of two positions. Pure."""
    return {name: max(some.get(name, 0), others.get(name, 0)) for name in {*some, *others}} if others else some


class Question(NamedTuple):
    """What is asked: under which key its answer may be kept, whether it writes, or the answer itself."""

    operation: str
    key: Key | None = None
    writes: bool = False
    known: Reply | None = None
    generation: int = 0


class KeptAnswers:
    """A bus that asks the one behind it only for what it does not know."""

    def __init__(self, bus: Bus, operations: Mapping[str, Operation], moves: Moves, store: Store | None = None) -> None:
        """Ask `bus`; `operations` are known by full name, `moves` says what has changed."""
        self._bus, self._operations, self._moves = bus, operations, moves
        self._store = Store() if store is None else store
        self._weights = Weights()

    def call(self, request: Request) -> Reply:
        """Return the reply of the operation that `request` names. Raises its DomainError."""
        question = self._question(request)
        return question.known or self._answer(question, self._bus.call(request))

    def begin(self, request: Request) -> Callable[[], Reply]:
        """Begin what `call` does; return what waits for the reply. Both raise what `call` does."""
        question = self._question(request)
        if question.known is not None:
            return partial(_itself, question.known)
        wait = self._bus.begin(request)
        return lambda: self._answer(question, wait())

    def _question(self, request: Request) -> Question:
        """Look a request up, and make it ready for the bus behind this one where its answer is not known.

        A thread that serves many connections asks for light answers only.
        """
        service = request.operation.partition(".")[0]
        request.news = self._moves.news(service)
        operation = self._operations.get(request.operation)
        key = key_of(operation, request) if operation else None
        kept = None if key is None else self._store.get(key)
        if kept is not None and self._moves.same(service, kept, later(request.needs, request.news)):
            KEPT_ANSWERS.add(1, service)
            if kept.reply.file is None:
                note_light()
            return Question(request.operation, known=kept.reply)
        request.keeps = key is not None
        writes = operation is None or operation.writes
        if writes or pausable() is None or self._weights.heavy(request.operation):
            waits()
        return Question(request.operation, key, writes, generation=self._moves.generation)

    def _answer(self, question: Question, reply: Reply) -> Reply:
        """Take what the bus behind this one has answered."""
        quick = reply.seconds <= QUICK_SECONDS
        if not question.writes and self._weights.weigh(question.operation, reply, quick=quick):
            note_light()
        if question.key is None and reply.positions:
            self._moves.written(reply.positions)
        if question.key is not None and reply.made_of is not None:
            slots, at = reply.made_of
            self._store.put(question.key, reply, (tuple(map(intern, slots)), tuple(at.items()), question.generation))
        return reply
