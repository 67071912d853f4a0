"""Events as other systems see them: CloudEvents 1.0 in JSON."""

from typing import Any

from chassis.events import Event

MEDIA_TYPE = "application/cloudevents+json"


def routing_key(kind: str, name: str) -> str:
    """Return `<service>.<kind>.<what>` of the event `name` of a record: `tasks.comment.task-commented`. Pure."""
    service, _, what = name.partition(".")
    return f"{service}.{kind.replace('_', '-')}.{what}"


def event_type(name: str, version: int) -> str:
    """Return the versioned name of an event: `tasks.task-commented.v1`. Pure."""
    return f"{name}.v{version}"


def source_of(service: str) -> str:
    """Return the source of a service's events. Pure."""
    return f"/kiroku/{service}"


def cloud_event(service: str, event: Event) -> dict[str, Any]:
    """Return an event in CloudEvents 1.0 JSON. Pure.

    `position` (1, 2, 3 … without a gap within a source) and `project` are extension attributes.
    """
    return {
        "specversion": "1.0",
        "id": f"{service}-{event.position}",
        "source": source_of(service),
        "type": event_type(event.name, event.schema),
        "subject": event.stream,
        "time": event.recorded_at.isoformat(),
        "datacontenttype": "application/json",
        "position": event.position,
        **({"project": event.project_id} if event.project_id else {}),
        "data": {
            "kind": event.kind,
            "id": event.id,
            "version": event.version,
            "op": event.op,
            "new": event.new,
            "old": event.old,
            "actor_id": event.actor_id,
            "on_behalf_of": event.on_behalf_of,
            "request_id": event.request_id,
        },
    }
