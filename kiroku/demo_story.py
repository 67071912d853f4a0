"""The film of the demo: its crew, assets, sequences, and what was said about the work."""

from dataclasses import dataclass

FILM = {
    "name": "The Lighthouse Keeper",
    "production_type": "short",
    "production_style": "3d",
    "description": "A keeper, a gull and the last night of an old light.",
    "fps": "24",
    "ratio": "16:9",
    "resolution": "1920x1080",
}
ASSET_TASKS = ("Concept", "Modeling", "Shading")
SHOT_TASKS = ("Storyboard", "Layout", "Animation", "Lighting")


@dataclass(frozen=True)
class Person:
    """Somebody of the crew; `key` is how the demo calls them."""

    key: str
    first: str
    last: str
    role: str
    department: str = ""

    @property
    def email(self) -> str:
        """The address to sign in with."""
        return f"{self.key}@demo.example.com"


@dataclass(frozen=True)
class Asset:
    """Something to build."""

    name: str
    kind: str
    text: str


@dataclass(frozen=True)
class Sequence:
    """A part of the film; shots are (what happens, frames)."""

    name: str
    text: str
    shots: tuple[tuple[str, int], ...]


PEOPLE = (
    Person("manager", "Maren", "Holt", "manager"),
    Person("supervisor", "Sunil", "Rao", "supervisor", "Animation"),
    Person("modeler", "Inès", "Moreau", "user", "Modeling"),
    Person("animator", "Jonas", "Lindqvist", "user", "Animation"),
    Person("lighter", "Aiko", "Tanabe", "user", "Compositing"),
    Person("layouter", "Pedro", "Núñez", "user", "Layout"),
    Person("client", "Clara", "Weiss", "client"),
)

ASSETS = (
    Asset("Keeper", "Character", "Seventy, a wool coat, hands that know every screw of the lamp."),
    Asset("Gull", "Character", "Curious, hungry, never in a hurry."),
    Asset("Child", "Character", "Comes with the supply boat."),
    Asset("Lamp", "Prop", "A Fresnel lens of two metres; turns, and sings a little."),
    Asset("Logbook", "Prop", "Forty years of nights, one line each."),
    Asset("Teapot", "Prop", "Dented."),
    Asset("Boat", "Prop", "A rowing boat with a patched sail."),
    Asset("Lighthouse", "Environment", "White once. Outside, with the rock it stands on."),
    Asset("Lamp room", "Environment", "Glass all around, brass, a chair."),
    Asset("Storm", "FX", "Rain, spray and what the wind carries."),
)

SEQUENCES = (
    Sequence(
        "SQ010",
        "The last evening",
        (("Sunset over the rock, wide", 96), ("The keeper climbs", 72), ("He lights the lamp", 60), ("The gull", 48)),
    ),
    Sequence(
        "SQ020",
        "The storm",
        (("Clouds roll in", 84), ("A boat without light", 64), ("The lamp stops turning", 40), ("By hand", 120)),
    ),
    Sequence(
        "SQ030",
        "Morning",
        (
            ("Calm sea", 72),
            ("The child at the door", 56),
            ("One more line in the logbook", 88),
            ("Wide, lamp off", 110),
        ),
    ),
)

CAST = {
    "SQ010": ("Keeper", "Lighthouse", "Lamp", "Gull"),
    "SQ020": ("Keeper", "Lamp room", "Storm", "Boat", "Lamp"),
    "SQ030": ("Keeper", "Child", "Logbook", "Lighthouse", "Teapot"),
}

# The statuses a task went through so far, one list for each stage of progress.
STAGES: dict[str, tuple[str, ...]] = {
    "done": ("wip", "wfa", "done"),
    "retaken": ("wip", "wfa", "retake", "wip", "wfa", "done"),
    "waiting": ("wip", "wfa"),
    "retake": ("wip", "wfa", "retake"),
    "started": ("wip",),
    "ready": ("ready",),
    "waits": (),
}

NOTES = {
    "wip": ("On it.", "Started from the approved concept.", "Blocking first, details tomorrow."),
    "wfa": ("First take, please look.", "Better silhouette now.", "Ready for your eyes."),
    "retake": (
        "Lovely pose, but the eyes drift. **Please fix frames 20 to 32.**",
        "Too clean: he has lived here for forty years.",
        "The light comes from the wrong side after the cut.",
    ),
    "done": ("Approved!", "This is the one. Thank you.", "Done, over to the next department."),
    "ready": ("All it needs is there.", "Go ahead.", "Unblocked."),
}


def cast_of(shot: str) -> tuple[str, ...]:
    """Return the assets in a shot called `<sequence> <shot>`: fewer at the start of a sequence, more at its end."""
    sequence, name = shot.split()
    return CAST[sequence][: 1 + int(name[2:]) // 10]


def stage_of(number: int) -> str:
    """Return how far the task of this number is: early task types are further on than late ones."""
    order = ("done", "done", "retaken", "done", "waiting", "retake", "waiting", "started", "ready", "waits")
    return order[min(len(order) - 1, number // 10 + number % 3)]
