"""Build, through HTTP alone and on a fresh server, the studio that the recorded cases speak of."""

import time
from dataclasses import dataclass, field

from .client import Client
from .matcher import Refs
from .steps import Step, run_step
from .world_people import PEOPLE_STEPS, STUDIO_STEPS
from .world_production import PRODUCTION_STEPS
from .world_work import MEDIA_STEPS, WORK_STEPS

# Replicas of other services may trail a write by a moment when somebody else made it.
SETTLE_SECONDS = 0.5

WORLD_STEPS: tuple[Step, ...] = (*STUDIO_STEPS, *PEOPLE_STEPS, *PRODUCTION_STEPS, *WORK_STEPS, *MEDIA_STEPS)


@dataclass
class World:
    """The ids of what was made, by name, and the steps that failed, in words."""

    client: Client
    refs: Refs = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def run(self, steps: tuple[Step, ...]) -> None:
        """Run the steps in order; a failed one is noted and the next ones go on."""
        for step in steps:
            problem = run_step(self.client, self.refs, step)
            if problem is not None:
                self.problems.append(problem)


def build_world(url: str, email: str, password: str) -> World:
    """Sign the administrator in and build everything; raises SignInRefusedError when that fails."""
    client = Client(url, email, password)
    body = client.sign_in("admin")
    world = World(client, {"admin": body["user"]["id"], "admin_email": email})
    world.run(WORLD_STEPS)
    time.sleep(SETTLE_SECONDS)
    return world


def world_names() -> set[str]:
    """List every name that the world gives to an id."""
    return {"admin", "admin_email"}.union(*(step.save for step in WORLD_STEPS))
