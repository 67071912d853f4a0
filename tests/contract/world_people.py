"""The studio of the recordings: seeded records looked up by name, people, and what belongs to no production."""

from .client import PASSWORD, PEOPLE
from .steps import Step, ref

PICTURE = {"file": {"name": "picture.png", "fixture": "png"}}

TASK_TYPES = {
    "concepts": ("Concept", "Concept", 1),
    "concept": ("Asset", "Concept", 1),
    "modeling": ("Asset", "Modeling", 2),
    "shading": ("Asset", "Shading", 3),
    "rigging": ("Asset", "Rigging", 4),
    "storyboard": ("Shot", "Storyboard", 1),
    "layout": ("Shot", "Layout", 2),
    "animation": ("Shot", "Animation", 3),
    "lighting": ("Shot", "Lighting", 4),
    "fx": ("Shot", "FX", 5),
    "rendering": ("Shot", "Rendering", 6),
    "compositing": ("Shot", "Compositing", 7),
    "edit": ("Edit", "Edit", 8),
}
STATUSES = ("todo", "wip", "wfa", "retake", "done", "ready", "neutral", "approved", "rejected")
ASSET_TYPES = {"character": "Character", "prop": "Prop", "environment": "Environment", "fx": "FX"}
DEPARTMENTS = ("Modeling", "Animation", "Layout", "Concept")
DEPARTMENT_OF = {"artist": "modeling", "supervisor": "modeling"}


def lookup(path: str, save: str, /, **values: str) -> Step:
    """Name the first row of a list that has these values."""
    return Step("GET", path, find=values, save={save: "id"})


def _person(name: str) -> tuple[Step, Step]:
    first, last, role = PEOPLE[name]
    body: dict[str, object] = {
        "first_name": first,
        "last_name": last,
        "email": f"{name}@example.com",
        "role": role,
        "phone": "",
    }
    if name in DEPARTMENT_OF:
        body["departments"] = [ref(f"department_{DEPARTMENT_OF[name]}")]
    word = {"password": PASSWORD, "password_2": PASSWORD}
    return (
        Step("POST", "/data/persons", body, save={name: "id"}),
        Step("POST", f"/actions/persons/{ref(name)}/change-password", word),
    )


STUDIO_STEPS: tuple[Step, ...] = (
    lookup("/data/organisations", "organisation"),
    lookup("/data/project-status", "project_status_open", name="Open"),
    *(
        lookup("/data/task-types", f"task_type_{key}", name=name, for_entity=kind)
        for key, (kind, name, _priority) in TASK_TYPES.items()
    ),
    *(lookup("/data/task-status", f"status_{short}", short_name=short) for short in STATUSES),
    *(lookup("/data/entity-types", f"type_{key}", name=name) for key, name in ASSET_TYPES.items()),
    lookup("/data/entity-types", "type_shot", name="Shot"),
    *(lookup("/data/departments", f"department_{name.lower()}", name=name) for name in DEPARTMENTS),
    Step("POST", "/data/entity-types", {"name": "Vehicle"}),
    Step("POST", "/data/studios", {"name": "North Studio", "color": "#FF8800"}, save={"studio": "id"}),
    Step("POST", "/data/output-types", {"name": "Geometry", "short_name": "geo"}, save={"output_type": "id"}),
    Step(
        "POST",
        "/data/custom-actions",
        {"name": "Open", "url": "http://x", "entity_type": "all", "is_ajax": False},
        save={"custom_action": "id"},
    ),
    Step(
        "POST",
        "/data/status-automations",
        {
            "entity_type": "asset",
            "in_task_type_id": "{{task_type_modeling}}",
            "in_task_status_id": "{{status_done}}",
            "out_field_type": "status",
            "out_task_type_id": "{{task_type_shading}}",
            "out_task_status_id": "{{status_ready}}",
        },
        save={"automation": "id"},
    ),
    Step(
        "POST",
        "/data/preview-background-files",
        {"name": "Studio HDR", "is_default": True},
        save={"background": "id"},
    ),
    Step("POST", "/pictures/thumbnails/organisations/{{organisation}}", files=PICTURE),
    Step("POST", "/pictures/thumbnails/persons/{{admin}}", files=PICTURE),
)

PEOPLE_STEPS: tuple[Step, ...] = (
    *(step for name in PEOPLE for step in _person(name)),
    Step(
        "POST",
        "/data/persons",
        {"first_name": "Zed", "last_name": "Bot", "email": "bot@example.com", "role": "user", "is_bot": True},
        save={"bot": "id"},
    ),
)
