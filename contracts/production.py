"""Records that production owns: projects, the entities they are made of, their plans, budgets and tools."""

from typing import Any

from chassis.resources import Fields, Resource, Unique
from contracts.auth import POSITIONS, SENIORITIES
from contracts.fields import (
    blob,
    choice,
    day,
    decimal,
    fixed,
    flag,
    flags,
    ids,
    kept,
    link,
    links,
    mirror,
    moment,
    name,
    number,
    text,
)

PRODUCTION_STYLES = (
    *("2d", "2dpaper", "3d", "2d3d", "ar", "vfx", "stop-motion", "motion-design"),
    *("archviz", "commercial", "catalog", "immersive", "nft", "video-game", "vr"),
)
DATA_TYPES = (
    *("string", "number", "list", "taglist", "boolean"),
    *("checklist", "date", "url", "textarea", "person"),
)
ENTITY_STATUSES = ("standby", "running", "complete", "canceled")

# What a project or a template keeps beside each linked task type and task status.
TASK_TYPE_LINK = {
    "priority": None,
    "hd_bitrate_compression": None,
    "ld_bitrate_compression": None,
    "is_client_visible": True,
}
TASK_STATUS_LINK = {
    "priority": None,
    "roles_for_board": ["user", "admin", "supervisor", "manager", "vendor"],
    "is_client_allowed": None,
}

# Entity types with a meaning of their own, by the kind that entities of that type are; all others hold assets.
ENTITY_KINDS = {
    "shot": "Shot",
    "sequence": "Sequence",
    "episode": "Episode",
    "scene": "Scene",
    "edit": "Edit",
    "concept": "Concept",
    "concept_folder": "ConceptFolder",
}
_KINDS_BY_TYPE = {type_name.lower(): kind for kind, type_name in ENTITY_KINDS.items()}


def entity_kind(type_name: str) -> str:
    """Return the kind (`asset`, `shot` …) of entities whose entity type is called `type_name`."""
    return _KINDS_BY_TYPE.get(type_name.lower(), "asset")


def entity_noun(entity: Fields) -> str:
    """Return the noun of an entity's client events: `asset`, `shot`, `concept-folder` …"""
    return str(entity.get("kind") or "asset").replace("_", "-")


def entity_wire_type(entity: Fields) -> str:
    """Return the `type` that an entity shows: `Asset`, `Shot` …"""
    return ENTITY_KINDS.get(entity.get("kind") or "", "Asset")


def concept_links(entity: Fields) -> dict[str, Any]:
    """Return the key that concepts show in every form, other entities only with their relations."""
    return {"entity_concept_links": entity.get("entity_concept_links") or []} if entity.get("kind") == "concept" else {}


# The settings that a template hands on to the projects made from it.
SETTINGS = (
    text("description"),
    text("fps", 10, "25"),
    text("ratio", 10, "16:9"),
    text("resolution", 12, "1920x1080"),
    text("production_type", 20, "short", column=True),
    choice("production_style", PRODUCTION_STYLES, "2d3d", nullable=False),
    number("max_retakes", 0),
    flag("is_clients_isolated"),
    flag("is_client_stats_visible", True),
    flag("is_client_task_list_visible", True),
    flag("is_client_task_panel_visible", True),
    *flags("is_preview_download_allowed", "is_set_preview_automated", "is_publish_default_for_artists"),
    *flags("is_single_preview_per_revision", "is_frame_in_numbering"),
    number("revision_padding", 0, nullable=False),
    text("homepage", 80, "assets"),
    number("hd_bitrate_compression"),
    number("ld_bitrate_compression"),
    blob("file_tree"),
    blob("data"),
    link("default_preview_background_file_id", "preview_background_file"),
    links("asset_types", "entity_type", column=True),
    links("task_types", "task_type", column=True),
    links("task_statuses", "task_status", column=True),
    links("status_automations", "status_automation", column=True),
    links("preview_background_files", "preview_background_file", column=True),
    # The attributes of the two links, by the linked id: see TASK_TYPE_LINK and TASK_STATUS_LINK.
    kept(blob("task_type_links", {})),
    kept(blob("task_status_links", {})),
)

PROJECT = Resource(
    kind="project",
    plural="projects",
    type="Project",
    live="project",
    fields=(
        name(80),
        text("code", 80),
        number("shotgun_id", column=True),
        flag("has_avatar"),
        day("start_date"),
        day("end_date"),
        number("man_days"),
        number("nb_episodes", 0),
        number("episode_span", 0),
        flag("is_bot_collaboration_enabled"),
        link("project_status_id", "project_status"),
        link("from_schedule_version_id", "production_schedule_version"),
        *SETTINGS,
        fixed(links("team", "person", column=True)),
        # person id -> role in this project, for those who have another than their own; person id -> ShotGrid id.
        kept(blob("team_roles", {})),
        kept(blob("team_shotgun_ids", {})),
        # task type id -> ids of the softwares used for it.
        kept(blob("task_type_softwares", {})),
    ),
    unique=(Unique(("name",)),),
)

PROJECT_TEMPLATE = Resource(
    kind="project_template",
    plural="project-templates",
    type="ProjectTemplate",
    live="project-template",
    fields=(name(80), *SETTINGS, blob("metadata_descriptors", [])),
    unique=(Unique(("name",)),),
)

PROJECT_STATUS = Resource(
    kind="project_status",
    plural="project-status",
    type="ProjectStatus",
    live="project-status",
    fields=(name(20), text("color", 7, required=True)),
    unique=(Unique(("name",)),),
)

ENTITY_TYPE = Resource(
    kind="entity_type",
    plural="entity-types",
    type="EntityType",
    live="asset-type",
    live_key="asset_type_id",
    fields=(
        name(30),
        text("short_name", 20, column=True),
        text("description"),
        flag("archived", column=True),
        links("task_types", "task_type", column=True),
    ),
    # The contract compares names ignoring case on POST only; we do so always.
    unique=(Unique(("lower(name)",)),),
)

ENTITY = Resource(
    kind="entity",
    plural="entities",
    type="Entity",
    live=entity_noun,
    wire_type=entity_wire_type,
    render=concept_links,
    fields=(
        name(160),
        text("code", 160),
        text("description"),
        fixed(number("shotgun_id", column=True)),
        flag("canceled", column=True),
        number("nb_frames", column=True),
        number("nb_entities_out", 0),
        flag("is_casting_standby"),
        flag("is_shared", nullable=False, column=True),
        choice("status", ENTITY_STATUSES, "running", nullable=False, column=True),
        fixed(link("project_id", "project", required=True)),
        link("entity_type_id", "entity_type", required=True),
        link("parent_id", "entity"),
        link("source_id", "entity"),
        link("preview_file_id", "preview_file"),
        blob("data"),
        link("ready_for", "task_type"),
        fixed(link("created_by", "person")),
        mirror("entities_out", "entity", "entity_link.entity_out_id"),
        mirror("entities_in", "entity", "entity_link.entity_in_id"),
        mirror("instance_casting", "asset_instance", "asset_instance.shots"),
        links("entity_concept_links", "entity", column=True),
        # What the entity type makes of it, so that lists, events and wire types need no join: see entity_kind.
        kept(text("kind", default="asset", column=True)),
    ),
    unique=(Unique(("name", "project_id", "entity_type_id", "parent_id")),),
    indexes=(("project_id", "kind"),),
    searched=("name",),
)

ENTITY_LINK = Resource(
    kind="entity_link",
    plural="entity-links",
    type="EntityLink",
    live="entity-link",
    fields=(
        link("entity_in_id", "entity", required=True),
        link("entity_out_id", "entity", required=True),
        blob("data"),
        number("nb_occurences", 1, column=True),
        text("label", 80, "", column=True),
    ),
    unique=(Unique(("entity_in_id", "entity_out_id")),),
)

ENTITY_VERSION = Resource(
    kind="entity_version",
    plural="entity-versions",
    type="EntityVersion",
    fields=(name(160), blob("data"), link("entity_id", "entity"), link("person_id", "person")),
)

ASSET_INSTANCE = Resource(
    kind="asset_instance",
    plural="asset-instances",
    type="AssetInstance",
    live="asset-instance",
    fields=(
        link("asset_id", "entity", required=True),
        text("name", 80, column=True),
        fixed(number("number", column=True)),
        text("description", 200),
        flag("active", True, column=True),
        blob("data"),
        link("scene_id", "entity"),
        link("target_asset_id", "entity"),
        link("entity_id", "entity"),
        link("entity_type_id", "entity_type"),
        links("shots", "entity", column=True),
    ),
    unique=(Unique(("asset_id", "target_asset_id", "scene_id", "number")),),
)

METADATA_DESCRIPTOR = Resource(
    kind="metadata_descriptor",
    plural="metadata-descriptors",
    type="MetadataDescriptor",
    live="metadata-descriptor",
    fields=(
        link("project_id", "project", required=True),
        text("entity_type", 60, required=True, column=True),
        link("task_type_id", "task_type"),
        name(120),
        choice("data_type", DATA_TYPES, column=True),
        text("field_name", 120, required=True, column=True),
        blob("choices"),
        flag("for_client", column=True),
        number("position", column=True),
        # In every form, unlike other relations.
        ids("departments", "department", column=True),
    ),
    # Columns of tasks may repeat a name under another task type.
    unique=(
        Unique(("project_id", "entity_type", "name"), where="task_type_id IS NULL"),
        Unique(("project_id", "entity_type", "field_name"), where="task_type_id IS NULL"),
        Unique(("project_id", "entity_type", "task_type_id", "name")),
        Unique(("project_id", "entity_type", "task_type_id", "field_name")),
    ),
)

SCHEDULE_ITEM = Resource(
    kind="schedule_item",
    plural="schedule-items",
    type="ScheduleItem",
    live="schedule-item",
    fields=(
        day("start_date", column=True),
        day("end_date", column=True),
        number("man_days"),
        link("project_id", "project"),
        link("task_type_id", "task_type"),
        link("object_id"),
    ),
    unique=(Unique(("project_id", "task_type_id", "object_id")),),
)

MILESTONE = Resource(
    kind="milestone",
    plural="milestones",
    type="Milestone",
    live="milestone",
    fields=(
        day("date", column=True),
        name(40),
        link("project_id", "project"),
        link("task_type_id", "task_type"),
    ),
)

PRODUCTION_SCHEDULE_VERSION = Resource(
    kind="production_schedule_version",
    plural="production-schedule-versions",
    type="ProductionScheduleVersion",
    live="production-schedule-version",
    fields=(
        name(80),
        link("project_id", "project", required=True),
        link("production_schedule_from", "production_schedule_version"),
        flag("locked", column=True),
        flag("canceled", column=True),
    ),
    unique=(Unique(("name", "project_id")),),
)

PRODUCTION_SCHEDULE_VERSION_TASK_LINK = Resource(
    kind="production_schedule_version_task_link",
    plural="production-schedule-version-task-links",
    type="ProductionScheduleVersionTaskLink",
    live="production-schedule-version-task-link",
    fields=(
        fixed(link("production_schedule_version_id", "production_schedule_version", required=True)),
        fixed(link("task_id", "task", required=True)),
        moment("start_date", column=True),
        moment("due_date", column=True),
        decimal("estimation", 0),
        links("assignees", "person", column=True),
    ),
    unique=(Unique(("production_schedule_version_id", "task_id")),),
)

BUDGET = Resource(
    kind="budget",
    plural="budgets",
    type="Budget",
    live="budget",
    fields=(
        link("project_id", "project"),
        fixed(number("revision", 1, nullable=False, column=True)),
        name(255),
        text("currency", 3),
    ),
)

BUDGET_ENTRY = Resource(
    kind="budget_entry",
    plural="budget-entries",
    type="BudgetEntry",
    live="budget-entry",
    fields=(
        fixed(link("budget_id", "budget", required=True)),
        link("department_id", "department", required=True),
        link("person_id", "person"),
        day("start_date", required=True, column=True),
        number("months_duration", required=True),
        decimal("daily_salary", required=True),
        choice("position", POSITIONS, "artist"),
        choice("seniority", SENIORITIES, "mid"),
        blob("exceptions"),
    ),
)

STATUS_AUTOMATION = Resource(
    kind="status_automation",
    plural="status-automations",
    type="StatusAutomation",
    live="status-automation",
    fields=(
        text("entity_type", 40, "asset", column=True),
        link("in_task_type_id", "task_type"),
        link("in_task_status_id", "task_status"),
        choice("out_field_type", ("status", "ready_for"), "status", nullable=False),
        link("out_task_type_id", "task_type"),
        link("out_task_status_id", "task_status"),
        flag("import_last_revision"),
        flag("archived", column=True),
    ),
)

SEARCH_FILTER = Resource(
    kind="search_filter",
    plural="search-filters",
    type="SearchFilter",
    live="search-filter",
    fields=(
        text("list_type", 80, required=True, column=True),
        text("entity_type", 80, column=True),
        text("name", 200, "", nullable=False, column=True),
        text("search_query", 500, "", nullable=False),
        flag("is_shared", nullable=False, column=True),
        link("department_id", "department"),
        link("search_filter_group_id", "search_filter_group"),
        link("person_id", "person"),
        link("project_id", "project"),
    ),
)

SEARCH_FILTER_GROUP = Resource(
    kind="search_filter_group",
    plural="search-filter-groups",
    type="SearchFilterGroup",
    live="search-filter-group",
    fields=(
        text("list_type", 80, required=True, column=True),
        text("entity_type", 80, column=True),
        text("name", 200, "", nullable=False, column=True),
        text("color", 8, "", nullable=False),
        flag("is_shared", nullable=False, column=True),
        link("person_id", "person"),
        link("project_id", "project"),
        link("department_id", "department"),
    ),
)

CUSTOM_ACTION = Resource(
    kind="custom_action",
    plural="custom-actions",
    type="CustomAction",
    live="custom-action",
    fields=(name(80), text("url", 400), text("entity_type", 40, "all", column=True), flag("is_ajax")),
)

HARDWARE_ITEM = Resource(
    kind="hardware_item",
    plural="hardware-items",
    type="HardwareItem",
    live="hardware-item",
    fields=(
        name(40),
        text("short_name", 20, required=True, column=True),
        flag("archived", column=True),
        number("monthly_cost", 0),
        number("inventory_amount", 0),
        # The departments that use it; the contract shows the link from the department's side only.
        kept(ids("departments", "department", column=True)),
    ),
    unique=(Unique(("name",)),),
)

SOFTWARE = Resource(
    kind="software",
    plural="softwares",
    type="Software",
    live="software",
    fields=(
        name(40),
        text("short_name", 20, required=True, column=True),
        flag("archived", column=True),
        text("version", 20),
        text("file_extension", 20, required=True),
        blob("secondary_extensions"),
        number("monthly_cost", 0),
        number("inventory_amount", 0),
        # As with hardware items.
        kept(ids("departments", "department", column=True)),
    ),
    unique=(Unique(("name",)),),
)

PLUGIN = Resource(
    kind="plugin",
    plural="plugins",
    type="Plugin",
    live="plugin",
    fields=(
        text("plugin_id", 80, required=True),
        name(80),
        text("description"),
        text("version", 50, required=True),
        text("maintainer_name", 200, required=True),
        text("maintainer_email", 255),
        text("website"),
        text("license", 80, required=True),
        text("revision", 12),
        *flags("frontend_project_enabled", "frontend_studio_enabled"),
        text("icon", 255),
    ),
    unique=(Unique(("plugin_id",)),),
)

RESOURCES: tuple[Resource, ...] = (
    PROJECT,
    PROJECT_TEMPLATE,
    PROJECT_STATUS,
    ENTITY_TYPE,
    ENTITY,
    ENTITY_LINK,
    ENTITY_VERSION,
    ASSET_INSTANCE,
    METADATA_DESCRIPTOR,
    SCHEDULE_ITEM,
    MILESTONE,
    PRODUCTION_SCHEDULE_VERSION,
    PRODUCTION_SCHEDULE_VERSION_TASK_LINK,
    BUDGET,
    BUDGET_ENTRY,
    STATUS_AUTOMATION,
    SEARCH_FILTER,
    SEARCH_FILTER_GROUP,
    CUSTOM_ACTION,
    HARDWARE_ITEM,
    SOFTWARE,
    PLUGIN,
)
