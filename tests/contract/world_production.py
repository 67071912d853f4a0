"""The three productions: their settings and teams, entities, casting, scene and instance."""

from typing import Any

from .steps import Step, ref
from .world_people import ASSET_TYPES, PICTURE, STATUSES, TASK_TYPES, lookup

TEAM = ("manager", "supervisor", "artist", "artist2", "client", "vendor")
SHOT = {"nb_frames": 48, "data": {"fps": 25, "frame_in": 1, "frame_out": 48}}

# The `simple` template as far as the recorded paths show it.
FILE_TREE: dict[str, Any] = {
    "working": {
        "mountpoint": "/simple",
        "root": "productions",
        "folder_path": {
            "shot": "<Project>/shots/<Sequence>/<Shot>/<TaskType>/<Software>",
            "asset": "<Project>/assets/<AssetType>/<Asset>/<TaskType>/<Software>",
            "style": "lowercase",
        },
        "file_name": {
            "shot": "<Project>_<Sequence>_<Shot>_<TaskType>_<Name>_v<Version>",
            "asset": "<Project>_<AssetType>_<Asset>_<TaskType>_<Name>_v<Version>",
            "style": "lowercase",
        },
    },
    "output": {
        "mountpoint": "/simple",
        "root": "productions/export",
        "folder_path": {
            "shot": "<Project>/shots/<Sequence>/<Shot>/<TaskType>/<OutputType>",
            "asset": "<Project>/assets/<AssetType>/<Asset>/<TaskType>/<OutputType>",
            "instance_asset": "<Project>/assets/<TemporalEntityType>/<TemporalEntity>/<TaskType>/<OutputType>"
            "/<AssetType>/<Asset>/instance_<Instance.number>/<Representation>",
            "instance": "<Project>/<TemporalEntityType>/<Sequence>/<TemporalEntity>/<TaskType>/<OutputType>"
            "/<AssetType>/<Asset>/instance_<Instance.number>/<Representation>",
            "style": "lowercase",
        },
        "file_name": {
            "shot": "<Project>_<Sequence>_<Shot>_<TaskType>_<OutputType>_<Name>_v<Version>",
            "asset": "<Project>_<AssetType>_<Asset>_<TaskType>_<OutputType>_<Name>_v<Version>",
            "instance_asset": "<Project>_<TemporalEntityType>_<TemporalEntity>_<TaskType>_<OutputType>_<Name>"
            "_<Instance.name>_v<Version>",
            "instance": "<Project>_<Sequence>_<TemporalEntity>_<TaskType>_<OutputType>_<Name>"
            "_<Instance.name>_v<Version>",
            "style": "lowercase",
        },
    },
    "preview": {
        "mountpoint": "/simple",
        "root": "productions/previews",
        "folder_path": {
            "shot": "<Project>/shots/<Sequence>/<Shot>/<TaskType>",
            "asset": "<Project>/assets/<AssetType>/<Asset>/<TaskType>",
            "style": "lowercase",
        },
        "file_name": {
            "shot": "<Project>_<Sequence>_<Shot>_<TaskType>",
            "asset": "<Project>_<AssetType>_<Asset>_<TaskType>",
            "style": "lowercase",
        },
    },
}


def _settings(project: str) -> tuple[Step, ...]:
    base = f"/data/projects/{ref(project)}"
    return (
        *(
            Step(
                "POST",
                f"{base}/settings/task-types",
                {"task_type_id": ref(f"task_type_{key}"), "priority": priority},
            )
            for key, (_kind, _name, priority) in TASK_TYPES.items()
        ),
        *(
            Step("POST", f"{base}/settings/task-status", {"task_status_id": ref(f"status_{short}")})
            for short in STATUSES
        ),
        *(Step("POST", f"{base}/settings/asset-types", {"asset_type_id": ref(f"type_{key}")}) for key in ASSET_TYPES),
        *(Step("POST", f"{base}/team", {"person_id": ref(person)}) for person in TEAM),
    )


def _asset(project: str, kind: str, name: str, save: str, description: str = "d") -> Step:
    path = f"/data/projects/{ref(project)}/asset-types/{ref('type_' + kind)}/assets/new"
    return Step("POST", path, {"name": name, "description": description, "data": {}}, save={save: "id"})


def _in_project(project: str, kind: str, save: str, **body: Any) -> Step:
    return Step("POST", f"/data/projects/{ref(project)}/{kind}", body, save={save: "id"})


def _casting(project: str, entity: str, *rows: tuple[str, int, str]) -> Step:
    path = f"/data/projects/{ref(project)}/entities/{ref(entity)}/casting"
    body = [{"asset_id": ref(asset), "nb_occurences": count, "label": label} for asset, count, label in rows]
    return Step("PUT", path, body)


def _link(entity: str, asset: str, save: str) -> Step:
    query = {"entity_in_id": ref(entity)}
    return Step("GET", "/data/entity-links", query=query, find={"entity_out_id": ref(asset)}, save={save: "id"})


PROJECT_STEPS: tuple[Step, ...] = (
    Step(
        "POST",
        "/data/projects",
        {"name": "Night Film", "start_date": "2026-01-05", "end_date": "2026-12-31"},
        save={"project_film": "id"},
    ),
    Step(
        "POST",
        "/data/projects",
        {"name": "Day Show", "production_type": "tvshow"},
        save={"project_show": "id", "episode_1": "first_episode_id"},
    ),
    Step("POST", "/data/projects", {"name": "Other Film"}, save={"project_other": "id"}),
    *_settings("project_film"),
    *_settings("project_show"),
    Step("PUT", "/data/projects/{{project_film}}", {"file_tree": FILE_TREE}),
    Step("POST", "/pictures/thumbnails/projects/{{project_film}}", files=PICTURE),
    Step(
        "POST",
        "/data/projects/{{project_film}}/metadata-descriptors",
        {"entity_type": "Asset", "name": "Mood Level", "data_type": "list", "choices": ["low", "high"]},
    ),
)

ENTITY_STEPS: tuple[Step, ...] = (
    _asset("project_film", "character", "Hero", "asset_hero"),
    _asset("project_film", "prop", "Sword", "asset_sword"),
    _asset("project_film", "environment", "Castle", "asset_castle"),
    _asset("project_film", "character", "Hero", "asset_twin", description=""),
    _asset("project_show", "character", "TvHero", "asset_tv_hero"),
    _in_project("project_film", "sequences", "sequence_film", name="SEQ01"),
    _in_project("project_film", "shots", "shot_sh010", name="SH010", sequence_id="{{sequence_film}}", **SHOT),
    _in_project("project_film", "shots", "shot_sh020", name="SH020", sequence_id="{{sequence_film}}", **SHOT),
    _in_project("project_film", "edits", "edit_a", name="Edit A"),
    _in_project("project_film", "edits", "edit_b", name="Edit B"),
    _in_project("project_film", "scenes", "scene", name="SC01", sequence_id="{{sequence_film}}"),
    Step("POST", "/data/scenes/{{scene}}/shots", {"shot_id": "{{shot_sh010}}"}),
    Step(
        "POST",
        "/data/scenes/{{scene}}/asset-instances",
        {"asset_id": "{{asset_hero}}"},
        save={"instance_hero": "id"},
    ),
    _in_project("project_show", "episodes", "episode_2", name="E02"),
    _in_project("project_show", "sequences", "sequence_tv", name="SQ01", episode_id="{{episode_1}}"),
    _in_project("project_show", "shots", "shot_tv_sh0010", name="SH0010", sequence_id="{{sequence_tv}}", **SHOT),
    _in_project("project_show", "shots", "shot_tv_sh0020", name="SH0020", sequence_id="{{sequence_tv}}", **SHOT),
    _casting("project_film", "shot_sh010", ("asset_hero", 2, "fixed"), ("asset_sword", 1, "")),
    _casting("project_show", "shot_tv_sh0010", ("asset_tv_hero", 1, "animate")),
    _casting("project_film", "asset_castle", ("asset_sword", 3, "")),
    _link("shot_sh010", "asset_hero", "link_hero"),
    _link("shot_sh010", "asset_sword", "link_sword"),
    _link("asset_castle", "asset_sword", "link_castle"),
    Step(
        "POST",
        "/data/projects/{{project_film}}/budgets",
        {"name": "Budget 1", "currency": "EUR"},
        save={"budget": "id"},
    ),
    lookup(
        "/data/projects/{{project_film}}/schedule-items/task-types",
        "schedule_item",
        task_type_id="{{task_type_modeling}}",
    ),
    Step(
        "POST",
        "/data/user/filter-groups",
        {"name": "Group", "color": "#FF0000", "list_type": "asset", "project_id": "{{project_film}}"},
        save={"filter_group": "id"},
    ),
)

PRODUCTION_STEPS: tuple[Step, ...] = (*PROJECT_STEPS, *ENTITY_STEPS)
