"""Steps about productions: opening them, their settings and team, who sees them, closing them."""

from typing import Any

import gazu
from gazu.exception import NotAllowedException, ParameterException
from gazu.project import add_metadata_descriptor

from examples.day.studio import Day, Record, by_id, expect, expect_equal, expect_keys, expect_values, refused

ASSET_TYPES = ("Character", "Prop", "Environment", "FX")
ASSET_TASKS = ("Concept", "Modeling", "Shading")
SHOT_TASKS = ("Layout", "Animation", "Compositing")
STATUSES = ("todo", "wip", "wfa", "retake", "done", "ready")
TEAM = ("manager", "supervisor", "artist", "animator", "client", "vendor")
CONTEXT = (
    *("asset_types", "custom_actions", "status_automations", "departments", "studios", "notification_count"),
    *("persons", "project_status", "project_roles", "projects", "task_types", "task_status"),
    *("search_filters", "search_filter_groups", "preview_background_files", "plugins"),
)


def productions(day: Day) -> str:
    """Open a short, a feature and a TV show; the show comes with its first episode."""
    _studio_words(day)
    for kind in ("short", "feature", "tvshow"):
        project = gazu.project.new_project(day.named(f"The {kind}"), production_type=kind, client=day.admin)
        expect_values(project, f"the new {kind}", production_type=kind, type="Project", fps="25")
        day.keep(kind, project)
    episodes = gazu.shot.all_episodes_for_project(day["tvshow"], client=day.admin)
    expect_equal([episode["name"] for episode in episodes], ["E01"], "episodes of a new TV show")
    expect_equal(episodes[0]["id"], day["tvshow"].get("first_episode_id"), "first_episode_id")
    day.keep("episode_1", episodes[0])
    opened = by_id(gazu.project.all_open_projects(client=day.admin))
    expect(all(day[kind]["id"] in opened for kind in ("short", "feature", "tvshow")), "new projects are open")
    with refused(ParameterException, "a second project of the same name"):
        gazu.client.post("data/projects", {"name": day["short"]["name"]}, client=day.admin)
    with refused(NotAllowedException, "an artist opening a production"):
        gazu.client.post("data/projects", {"name": day.named("Mine")}, client=day.clients["artist"])
    with refused(ParameterException, "a resolution that is none"):
        gazu.client.put(f"data/projects/{day['short']['id']}", {"resolution": "huge"}, client=day.admin)
    return "a short, a feature, a TV show with E01"


def _studio_words(day: Day) -> None:
    """Look up the task types, statuses and asset types every studio starts with."""
    kinds = {(row["for_entity"], row["name"]): row for row in gazu.task.all_task_types(client=day.admin)}
    day.keep("asset_tasks", {name: kinds[("Asset", name)] for name in ASSET_TASKS})
    day.keep("shot_tasks", {name: kinds[("Shot", name)] for name in SHOT_TASKS})
    statuses = {row["short_name"]: row for row in gazu.task.all_task_statuses(client=day.admin)}
    day.keep("statuses", {name: statuses[name] for name in STATUSES})
    types = {row["name"]: row for row in gazu.asset.all_asset_types(client=day.admin)}
    day.keep("asset_types", {name: types[name] for name in ASSET_TYPES})


def settings_and_team(day: Day) -> str:
    """Choose task types, statuses, asset types and columns; build the team."""
    short = day["short"]
    for rank, task_type in enumerate((*day["asset_tasks"].values(), *day["shot_tasks"].values()), start=1):
        gazu.project.add_task_type(short, task_type, rank, client=day.admin)
    for status in day["statuses"].values():
        gazu.project.add_task_status(short, status, client=day.admin)
    for asset_type in day["asset_types"].values():
        gazu.project.add_asset_type(short, asset_type, client=day.admin)
        gazu.project.add_asset_type(short, asset_type, client=day.admin)  # twice is harmless
    _settings_in_one_call(day, day["tvshow"])
    full = gazu.project.get_project(short["id"], client=day.admin)
    expect_equal(len(full["task_types"]), len(ASSET_TASKS) + len(SHOT_TASKS), "task types of the short")
    expect_equal(len(full["task_statuses"]), len(STATUSES), "statuses of the short")
    expect_equal(len(full["asset_types"]), len(ASSET_TYPES), "asset types of the short")
    expect_values(full, "the short", project_status_name="Open")
    expect_equal(full["task_types_priority"][day["asset_tasks"]["Concept"]["id"]], 1, "priority of the first task type")
    _columns(day)
    _team(day)
    return f"{len(full['task_types'])} task types, {len(STATUSES)} statuses, a column, {len(TEAM)} people"


def _settings_in_one_call(day: Day, project: Record) -> None:
    types = (*day["asset_tasks"].values(), *day["shot_tasks"].values())
    body = {
        "task_types": [{"task_type_id": row["id"], "priority": rank} for rank, row in enumerate(types, start=1)],
        "task_status_ids": [row["id"] for row in day["statuses"].values()],
        "asset_type_ids": [row["id"] for row in day["asset_types"].values()],
    }
    day.send(200, "POST", f"/data/projects/{project['id']}/settings/batch", json=body)
    full = gazu.project.get_project(project["id"], client=day.admin)
    expect_equal(set(full["task_types"]), {row["id"] for row in types}, "task types set in one call")


def _columns(day: Day) -> None:
    options: dict[str, Any] = {"data_type": "list", "choices": ["low", "high"], "client": day.admin}
    column = add_metadata_descriptor(day["short"], "Mood Level", "Asset", **options)
    expect_values(column, "the column", field_name="mood_level", entity_type="Asset", choices=["low", "high"])
    with refused(ParameterException, "a second column of the same name"):
        add_metadata_descriptor(day["short"], "Mood Level", "Asset", **options)
    full = gazu.project.get_project(day["short"]["id"], client=day.admin)
    expect_equal([row["field_name"] for row in full["descriptors"]], ["mood_level"], "columns of the project")


def _team(day: Day) -> None:
    short, outsider = day["short"], day["outsider"]
    for name in TEAM:
        gazu.project.add_person_to_team(short, day[name], client=day.admin)
    for name in ("manager", "artist"):
        gazu.project.add_person_to_team(day["tvshow"], day[name], client=day.admin)
    gazu.project.add_person_to_team(short, outsider, client=day.admin)
    role = gazu.project.update_team_member_role(short, outsider, "supervisor", client=day.admin)
    expect_values(role, "a role in one project", person_id=outsider["id"], role="supervisor")
    gazu.project.remove_person_from_team(short, outsider, client=day.admin)
    team = by_id(gazu.project.get_team(short, client=day.admin))
    expect_equal(set(team), {day[name]["id"] for name in TEAM}, "the team")


def who_sees_the_production(day: Day) -> str:
    """The team finds the production in its context; an outsider neither sees nor reads it."""
    context = gazu.user.get_context(client=day.admin)
    expect_keys(context, (*CONTEXT, "user_limit"), "the context of an admin")
    for name in ("manager", "artist", "client"):
        mine = gazu.user.get_context(client=day.clients[name])
        expect_keys(mine, CONTEXT, f"the context of the {name}")
        expect(day["short"]["id"] in by_id(mine["projects"]), f"the short is in the context of the {name}")
    outsider = day.clients["outsider"]
    seen = by_id(gazu.user.all_open_projects(client=outsider))
    expect(day["short"]["id"] not in seen, "an outsider does not see the short")
    with refused(NotAllowedException, "an outsider reading the short"):
        gazu.project.get_project(day["short"]["id"], client=outsider)
    with refused(NotAllowedException, "an artist changing the settings"):
        gazu.project.add_task_status(day["short"], day["statuses"]["wip"], client=day.clients["artist"])
    day.send(400, "GET", "/data/projects/not-an-id")
    return "context of four roles, and closed doors for an outsider"


def close_a_production(day: Day) -> str:
    """Close the feature: it leaves the open list and may only then be deleted."""
    feature = day["feature"]
    day.send(400, "DELETE", f"/data/projects/{feature['id']}")
    gazu.project.close_project(dict(feature), client=day.admin)
    expect(feature["id"] not in by_id(gazu.project.all_open_projects(client=day.admin)), "a closed project is not open")
    day.send(204, "DELETE", f"/data/projects/{feature['id']}")
    day.send(404, "GET", f"/data/projects/{feature['id']}")
    return "the feature is closed and gone"
