"""A loaded production as the scenarios need it: ids, nothing else."""

from dataclasses import dataclass, field


@dataclass
class World:
    """Ids of one production on one server. assigned: pairs of task and assignee. run: makes names of this run new."""

    project: str
    tasks: list[str]
    shots: list[str]
    assets: list[str]
    persons: list[str]
    statuses: list[str]
    asset_type: str
    preview: str = ""
    assigned: list[tuple[str, str]] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    run: str = ""
    counts: dict[str, int] = field(default_factory=dict)
    loaded_in_seconds: float = 0.0
