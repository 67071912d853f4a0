"""Followers: replicas of other services' records, kept from their feeds; checkpoint and effect in one transaction."""

import logging
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, Protocol

from psycopg2 import Error, errors

from chassis import log, sql
from chassis.at_once import pass_on, waits
from chassis.changes import Buffer, Change, fold
from chassis.errors import DomainError, Superseded
from chassis.events import Event
from chassis.marks import Followed
from chassis.messages import THE_SYSTEM, Request
from chassis.parking import held, park, parked_event
from chassis.prepared import plan_of, prepared_for
from chassis.resources import Record
from chassis.service import TRIES, Service
from chassis.unit import Unit

logger = logging.getLogger(__name__)
BATCH, AWAY_SECONDS = 2_000, 3.0
BEHIND = "an earlier event of this record is parked"

CHECKPOINT = "SELECT position, reacted FROM log.checkpoints WHERE (owner, shape) = (%s, %s) FOR UPDATE"
FIRST_CHECKPOINT = """
INSERT INTO log.checkpoints (owner, shape, position) SELECT %s, shape, 0 FROM log.head WHERE shape = %s
ON CONFLICT DO NOTHING
"""
SETTLE = """
UPDATE log.checkpoints SET position = %s::bigint, reacted = greatest(reacted, %s::bigint)
WHERE (owner, shape) = (%s, %s)
"""


def _checkpoint(unit: Unit, owner: str, shape: str) -> tuple[int, int]:
    """Return how far the service has followed and reacted, and keep its other processes away until the commit."""
    for _ in range(2):
        found = unit.rows(CHECKPOINT, (owner, shape), planned=True)
        if found:
            break
        unit.rows(FIRST_CHECKPOINT, (owner, shape))
    else:
        raise Superseded
    position, reacted = found[0]
    return position, reacted


class Feeds(Protocol):
    """Reads the feed of another service: (owner, after, limit, kinds) -> (events, position reached)."""

    def __call__(self, owner: str, after: int, limit: int, kinds: list[str]) -> tuple[list[Event], int]:
        """Return events of `kinds` after position `after`."""
        ...


class Follower:
    """Keeps the `Replicas` of one service up with their owners. Several may run at once: the checkpoint is locked."""

    def __init__(
        self, service: Service, owners: Mapping[str, str], feeds: Feeds, batch: int = BATCH, *, served: bool = True
    ) -> None:
        """Follow for `service`, `batch` events a step; `owners` maps each kind to the service that owns it.

        Read models that are not `served` yet leave out what depends on them: derived ones, and revisions for ETags.
        """
        self._batch = batch
        self._served = served
        self._service = service
        self._feeds = feeds
        self._kinds: dict[str, list[str]] = {}
        for resource in service.spec.replicates:
            self._kinds.setdefault(owners[resource.kind], []).append(resource.kind)
        self._reached: dict[str, int] = {}
        self.caught_up: dict[str, float] = dict.fromkeys(self._kinds, time.monotonic())
        self._locks = {owner: threading.Lock() for owner in self._kinds}
        self._followed: Followed | None = None
        self._reactions = service.spec.reactions()

    @property
    def owners(self) -> list[str]:
        """Return the services that are followed."""
        return sorted(self._kinds)

    def serve(self, service: Service) -> None:
        """Let `service` wait for positions that its requests need."""
        service.replicas = self

    def watch(self, followed: Followed) -> None:
        """Let whoever asks see all that was answered before, to whomever: owners' marks tell of it."""
        self._followed = followed

    def behind(self, news: Mapping[str, int]) -> dict[str, list[str]]:
        """Return by owner the kinds of which more was answered than is known here, by its marks or by `news`."""
        found = {}
        for owner, kinds in self._kinds.items():
            late = self._followed.late(owner) if self._followed is not None else []
            if not late and self._reached.get(owner, -1) < news.get(owner, 0):
                # Nobody waits for one that is away.
                late = kinds if time.monotonic() - self.caught_up[owner] < AWAY_SECONDS else []
            if late:
                found[owner] = late
        return found

    def keep_up(self, owners: Iterable[str]) -> None:
        """Catch up with `owners` where that can be done; what is wrong here, the operation will meet, and say."""
        for owner in owners:
            waits(others=True)
            pass_on()
            with suppress(DomainError, Error):
                self.catch_up(owner, due=self._followed is not None)

    def meet(self, needs: Mapping[str, int]) -> None:
        """Catch up with every owner whose needed position is not reached yet (P5)."""
        for owner, position in needs.items():
            if owner in self._kinds and self._reached.get(owner, -1) < position:
                waits(others=True)
                self.catch_up(owner)

    def forget(self) -> None:
        """Forget what was reached; the checkpoints in the database say it."""
        self._reached.clear()
        if self._followed:
            self._followed.forget()

    def reached(self) -> dict[str, int]:
        """Return the positions that were reached in each owner's log, as far as this process knows."""
        return dict(self._reached)

    def look_again(self, since: Mapping[str, int]) -> bool:
        """Catch up with every owner; tell whether there is more now than at the positions `since`."""
        waits(others=True)
        for owner in self.owners:
            self.catch_up(owner)
        return self._reached != since

    def catch_up(self, owner: str, *, settle: bool = False, due: bool = False) -> int:
        """Apply all of `owner`'s events that are missing; return the position reached.

        What is only `due` is left when somebody else has done it meanwhile.
        Where none of them concerns this service, the checkpoint stays behind until `settle` asks for it: a commit for
        each event of all others would cost more than the work itself.
        """
        with self._locks[owner]:
            followed = self._followed
            if due and followed and not followed.late(owner):
                return self._reached.get(owner, 0)
            marks = followed.now(owner) if followed else []
            while True:
                reached, more = self._stepped(owner, settle=settle)
                self._reached[owner] = max(reached, self._reached.get(owner, 0))
                if not more:
                    self.caught_up[owner] = time.monotonic()
                    if followed:
                        followed.reached(marks)
                    return reached

    def _stepped(self, owner: str, *, settle: bool) -> tuple[int, bool]:
        """Take one step; a reaction that met another writer of the same record is taken again."""
        for attempt in range(TRIES):
            try:
                return self._step(owner, settle=settle)
            except (errors.UniqueViolation, errors.DeadlockDetected, errors.SerializationFailure):
                if attempt == TRIES - 1:
                    raise
            except (Superseded, errors.UndefinedTable):
                if self._service.is_superseded():
                    raise Superseded from None
                raise
        raise AssertionError

    def _step(self, owner: str, *, settle: bool) -> tuple[int, bool]:
        service = self._service
        request = Request(f"{service.name}.follow_{owner}", actor=THE_SYSTEM, request_id=f"follow-{owner}")
        with service.database.connection() as connection:
            unit = Unit(service, request, connection, writes=True)
            after, reacted = _checkpoint(unit, owner, service.spec.shape)
            events, position = self._feeds(owner, after, self._batch, self._kinds[owner])
            if position == after or not (events or settle or position - after > self._batch):
                return position, False
            changes = self._apply(unit, connection, owner, events, reacted)
            unit.flush()
            self._show(connection, changes)
            with connection.cursor() as cursor:
                plan_of(SETTLE).later(cursor, (position, position, owner, service.spec.shape))
            reached = unit.finish()
        service.committed(reached, unit.changes, changes)
        return position, len(events) == self._batch

    def _apply(self, unit: Unit, connection: Any, owner: str, events: list[Event], reacted: int) -> list[Change]:
        known = self._load(connection, events)
        waiting = held(unit, owner)
        changes: list[Change] = []
        buffer = Buffer()
        for event in events:
            if event.position > waiting.get((event.kind, event.id), event.position):
                park(unit, owner, event, BEHIND)
                continue
            record = fold(buffer, known, event)
            if record is not None:
                changes.append(Change(event, record))
        with connection.cursor() as cursor:
            buffer.flush(cursor, self._service.resources)
        stuck: set[tuple[str, str]] = set()
        for change in changes:
            event = change.event
            due = self._due(event) if event.position > reacted else []
            if due and (event.kind, event.id) in stuck:
                park(unit, owner, event, BEHIND)
            elif due and not self._react(unit, owner, due, change):
                stuck.add((event.kind, event.id))
        return changes

    def _due(self, event: Event) -> list[Any]:
        return [reaction for reaction in self._reactions.get(event.kind, ()) if reaction.reacts_when(event)]

    def _react(self, unit: Unit, owner: str, due: list[Any], change: Change) -> bool:
        """React to a change wholly, or not at all and park its event; tell which."""
        kept = len(unit.changes)
        unit.flush()
        unit.rows("SAVEPOINT reaction")
        try:
            for reaction in due:
                reaction(unit, change.event, change.record)
            unit.flush()
        except Exception as problem:
            logger.exception("%s: reaction to %s of %s parked", unit.service, change.event.name, owner)
            unit.rollback_to("reaction", kept)
            park(unit, owner, change.event, f"{type(problem).__name__}: {problem}")
            return False
        unit.rows("RELEASE SAVEPOINT reaction")
        return True

    def _show(self, connection: Any, changes: list[Change]) -> None:
        """Bring up to date what is derived from the replicas, and the revisions that ETags are made of."""
        if not changes or not self._served:
            return
        with connection.cursor() as cursor:
            if self._service.spec.derived:
                connection.waiting.append(b"SELECT position FROM log.head FOR UPDATE")
            self._service.refresh_derived(cursor, changes)
            log.bump(cursor, [change.event for change in changes])

    def replay(self) -> tuple[int, int]:
        """Apply parked events again, in order per record; return how many were done and how many are left."""
        rows = self._service.database.run("SELECT owner, event::text FROM log.parked ORDER BY owner, position")
        done, stuck = 0, set()
        for owner, text in rows:
            event = parked_event(text)
            if (event.kind, event.id) in stuck:
                continue
            if self._replayed(owner, event):
                done += 1
            else:
                stuck.add((event.kind, event.id))
        return done, len(rows) - done

    def _replayed(self, owner: str, event: Event) -> bool:
        service = self._service
        request = Request(f"{service.name}.replay_{owner}", actor=THE_SYSTEM, request_id=f"replay-{owner}")
        with service.database.connection() as connection:
            unit = Unit(service, request, connection, writes=True)
            _checkpoint(unit, owner, service.spec.shape)
            unit.rows("DELETE FROM log.parked WHERE owner = %s AND position = %s", (owner, event.position))
            known = self._load(connection, [event])
            record = known.get((event.kind, event.id))
            # What was parked for its own reaction is in the replica, and perhaps what followed: then it is not behind.
            behind = record is not None and event.version > record.version
            if behind:
                buffer = Buffer()
                record = fold(buffer, known, event)
                with connection.cursor() as cursor:
                    buffer.flush(cursor, service.resources)
            change = Change(event, record)  # type: ignore[arg-type]
            done = self._react(unit, owner, self._due(event), change)
            unit.flush()
            self._show(connection, [change] if behind else [])
            reached = unit.finish()
        service.committed(reached, unit.changes, [change])
        return done

    def _load(self, connection: Any, events: list[Event]) -> dict[tuple[str, str], Record | None]:
        wanted: dict[str, set[str]] = {}
        for event in events:
            wanted.setdefault(event.kind, set()).add(event.id)
        known: dict[tuple[str, str], Record | None] = {}
        with connection.cursor() as cursor:
            for kind, ids in wanted.items():
                resource = self._service.resources[kind]
                prepared_for(resource, "any", sql.prepared).run(cursor, (sorted(ids),))
                for row in cursor.fetchall():
                    record = resource.load(row)
                    known[(kind, record.id)] = record
        return known
