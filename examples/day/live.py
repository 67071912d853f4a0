"""Steps about live events: somebody listens over Socket.IO all day, and hears what concerns his projects."""

import threading
import time
from dataclasses import dataclass, field
from typing import Any

import gazu
from gazu.client import KitsuClient
from socketio.exceptions import ConnectionError as SocketIOConnectionError

from examples.day.studio import Day, Record, WrongAnswerError, expect, expect_equal, expect_keys

PATIENCE_SECONDS = 15
RECONNECT_SECONDS = 60
CONNECT_ATTEMPTS = 5

PAYLOADS: dict[str, tuple[str, ...]] = {
    "asset:new": ("asset_id", "asset_type", "project_id"),
    "asset:update": ("asset_id", "project_id"),
    "sequence:new": ("sequence_id", "project_id"),
    "shot:new": ("shot_id", "episode_id", "project_id"),
    "shot:casting-update": ("shot_id", "nb_entities_out", "added_asset_ids", "removed_asset_ids", "project_id"),
    "entity-link:new": ("entity_link_id", "entity_in_id", "entity_out_id", "nb_occurences", "project_id"),
    "task:new": ("task_id", "project_id"),
    "task:assign": ("task_id", "person_id", "project_id"),
    "task:unassign": ("task_id", "person_id", "project_id"),
    "task:update": ("task_id", "project_id"),
    "task:status-changed": (
        "task_id",
        "new_task_status_id",
        "previous_task_status_id",
        "person_id",
        "project_id",
    ),
    "comment:new": ("comment_id", "task_id", "task_status_id", "person_id", "for_client", "project_id"),
    "comment:update": ("comment_id", "task_id", "person_id", "for_client", "project_id"),
    "comment:delete": ("comment_id", "task_id", "project_id"),
    "comment:reply": ("task_id", "comment_id", "reply_id", "project_id"),
    "comment:acknowledge": ("comment_id", "person_id", "project_id"),
    "comment:unacknowledge": ("comment_id", "person_id", "project_id"),
    "news:new": ("news_id", "task_status_id", "task_type_id", "project_id"),
    "notification:new": ("notification_id", "person_id", "project_id"),
    "notification:all-read": ("person_id",),
    "time-spent:new": ("time_spent_id",),
    "time-spent:update": ("time_spent_id",),
    "time-spent:delete": ("time_spent_id",),
    "preview-file:new": ("preview_file_id", "comment_id", "project_id"),
    "preview-file:add-file": (
        "comment_id",
        "task_id",
        "preview_file_id",
        "revision",
        "extension",
        "status",
        "project_id",
    ),
    "preview-file:update": ("preview_file_id", "project_id"),
    "preview-file:set-main": ("entity_id", "preview_file_id", "preview_file_status", "project_id"),
    "person:set-thumbnail": ("person_id",),
    "project:set-thumbnail": ("project_id",),
    "playlist:new": ("playlist_id", "project_id"),
    "playlist:add_entity": ("playlist_id", "entity_id", "preview_file_id", "project_id"),
    "playlist:update": ("playlist_id", "project_id"),
}
ALSO_HEARD = ("project:new", "project:update", "episode:new", "person:new", "person:update")


@dataclass
class Ears:
    """A gazu event listener that notes all it hears; its callbacks run in the listener's own threads."""

    client: KitsuClient
    heard: list[tuple[str, Record]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Connect to /socket.io, namespace /events, and listen to every event of the day."""
        self._news = threading.Condition()
        self.socket = self._connected()
        for name in (*PAYLOADS, *ALSO_HEARD):
            gazu.events.add_listener(self.socket, name, self._noting(name))

    def _connected(self) -> Any:
        """Connect, again when the server took longer than the one second that the client library waits."""
        for attempt in range(CONNECT_ATTEMPTS):
            try:
                return gazu.events.init(client=self.client)
            except SocketIOConnectionError:
                if attempt + 1 == CONNECT_ATTEMPTS:
                    raise
                time.sleep(0.5)
        return None

    def _noting(self, name: str) -> Any:
        def note(payload: Record | None = None) -> None:
            with self._news:
                self.heard.append((name, payload or {}))
                self._news.notify_all()

        return note

    def find(self, name: str, **values: object) -> Record | None:
        """Return the payload of the first event of this name with these values, or None."""
        for heard, payload in list(self.heard):
            if heard == name and all(payload.get(key) == value for key, value in values.items()):
                return payload
        return None

    def wait_for(self, name: str, **values: object) -> Record:
        """Wait for an event that was heard before or will be soon."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        with self._news:
            while (payload := self.find(name, **values)) is None:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise WrongAnswerError(f"no event {name} {values or ''} within {PATIENCE_SECONDS} s")
                self._news.wait(left)
        return payload

    def wait_connected(self) -> None:
        """Wait until the listener is connected again after the server went away."""
        deadline = time.monotonic() + RECONNECT_SECONDS
        while not (self.socket.connected and "/events" in self.socket.namespaces):
            expect(time.monotonic() < deadline, f"the listener did not reconnect within {RECONNECT_SECONDS} s")
            time.sleep(0.1)

    def close(self) -> None:
        """Stop listening."""
        self.socket.disconnect()


def listen(day: Day) -> str:
    """Let an artist of the team and an outsider listen from now on."""
    for name in ("artist", "outsider"):
        day.ears[name] = Ears(day.clients[name])
    return "the artist and an outsider listen"


def live_events(day: Day) -> str:
    """Check what was heard: each kind with its payload, and nothing of foreign projects."""
    artist, outsider = day.ears["artist"], day.ears["outsider"]
    sent = day.comment("manager", day["animation_20"], "wip", "the last one")
    artist.wait_for("comment:new", comment_id=sent["id"], task_id=day["animation_20"]["id"])
    for name, keys in PAYLOADS.items():
        expect_keys(artist.wait_for(name), keys, f"payload of {name}")
    changed = artist.wait_for("task:status-changed", task_id=day["animation"]["id"])
    expect_equal(changed["new_task_status_id"], day["statuses"]["wip"]["id"], "new status in task:status-changed")
    expect_equal(changed["previous_task_status_id"], day["statuses"]["todo"]["id"], "previous status")
    artist.wait_for("shot:new", shot_id=day["shot_10"]["id"], project_id=day["short"]["id"])
    if "film" in day.made:
        artist.wait_for("preview-file:update", preview_file_id=day["film"]["id"], status="ready")
    foreign = [(name, payload) for name, payload in outsider.heard if payload.get("project_id") == day["short"]["id"]]
    expect_equal(foreign[:3], [], "events of a foreign project heard by the outsider")
    expect(outsider.find("person:set-thumbnail", person_id=day["artist"]["id"]), "the outsider hears of people")
    count = len(artist.heard)
    for ears in day.ears.values():
        ears.close()
    day.ears.clear()
    return f"{count} events heard, {len(PAYLOADS)} kinds checked, none of foreign projects"
