"""Who listens to live events, and what each may hear."""

from dataclasses import dataclass, field
from typing import Any

from chassis.messages import CLIENT, VENDOR, Actor

PERSONAL = ("notification:",)
NOT_FOR_CLIENTS = ("news:", "time-spent:", "day-off:", "comment:reply", "comment:acknowledge", "comment:unacknowledge")


@dataclass
class Listener:
    """One connection: its token, who it is, and the projects it may hear of (None: all)."""

    token: str
    actor: Actor
    projects: set[str] | None = None
    entities: set[str] = field(default_factory=set)

    def may_hear(self, name: str, payload: dict[str, Any], project_id: str | None) -> bool:
        """Tell whether this person may hear an event. Pure."""
        if name.startswith(PERSONAL):
            return payload.get("person_id") == self.actor.person_id
        if project_id is None or self.projects is None:
            return True
        if project_id not in self.projects:
            return False
        if self.actor.role == CLIENT:
            return self._for_client(name, payload)
        if self.actor.role == VENDOR:
            return not name.startswith("playlist:") and bool(self.entities & set(map(str, payload.values())))
        return True

    def _for_client(self, name: str, payload: dict[str, Any]) -> bool:
        if name.startswith(NOT_FOR_CLIENTS):
            return False
        if "for_client" in payload:
            return bool(payload["for_client"]) or payload.get("person_id") == self.actor.person_id
        return True
