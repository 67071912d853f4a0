"""Output files: what is exported for others to use, of entities and of asset instances in shots and scenes."""

from collections.abc import Mapping
from typing import Any

from chassis.binding import Id, is_uuid
from chassis.errors import Invalid, NotFound
from chassis.messages import Reply
from chassis.operations import command, query
from chassis.resources import Record
from chassis.unit import Unit
from services.media.file_access import entity_team, entity_watchers, file_readers, place_of, project_team
from services.media.file_elements import element, kind_of, malformed, of_entity, of_instance, of_work, tree_of
from services.media.file_paths import Element, MalformedTree, file_name, folder_path
from services.media.file_rules import Extension, Filled, Name, Representation, Revision

FILTERS = ("output_type_id", "task_type_id", "file_status_id", "temporal_entity_id", "representation", "name")
NEWEST = "t.name, t.revision DESC, t.created_at DESC, t.id"
SAME = ("entity_id", "asset_instance_id", "temporal_entity_id", "output_type_id", "task_type_id", "name")


def _documents(unit: Unit, files: list[Record]) -> bytes:
    """Return the JSON array of output files, each with its working file inside."""
    sources = unit.many("working_file", [f["source_file_id"] for f in files if f["source_file_id"]])
    output, working = unit.resource("output_file"), unit.resource("working_file")
    found = []
    for file in files:
        source = sources.get(file["source_file_id"])
        inner = working.doc(source) if source else "null"
        found.append(f'{output.doc(file)[:-1]},"source_file":{inner}}}')
    return f"[{','.join(found)}]".encode()


def _found(unit: Unit, where: str, values: tuple[str, ...]) -> list[Record]:
    conditions, args = [where], list(values)
    for name in FILTERS:
        wanted = unit.request.one(name)
        if wanted is None:
            continue
        if name.endswith("_id") and not is_uuid(wanted):
            raise Invalid("Wrong UUID format.")
        conditions.append(f't."{name}" = %s')
        args.append(wanted)
    return unit.find("output_file", " AND ".join(conditions), args, NEWEST)


def _newest(files: list[Record]) -> list[Record]:
    """Return the highest revision of each name, type and representation. Pure."""
    found: dict[tuple[Any, ...], Record] = {}
    for file in files:
        key = (*(file[name] for name in SAME), file["representation"])
        if key not in found or found[key]["revision"] < file["revision"]:
            found[key] = file
    return list(found.values())


def _scope(path: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
    """Return the SQL and its values that select the files of an entity, or of an instance in a temporal entity."""
    if "asset_instance_id" not in path:
        return "t.entity_id = %s", (path["entity_id"],)
    instance = path["asset_instance_id"], path["temporal_entity_id"]
    return "t.asset_instance_id = %s AND t.temporal_entity_id = %s", instance


@query(allow=entity_team)
def list_entity_output_files(unit: Unit, entity_id: Id) -> bytes:
    """List an entity's output files, by name, newest first. Source: GET /data/entities/{entity_id}/output-files."""
    return _documents(unit, _found(unit, "t.entity_id = %s", (entity_id,)))


@query(allow=entity_team)
def list_last_output_files(unit: Unit, entity_id: Id) -> bytes:
    """List the newest output file of each kind. Source: GET /data/entities/{entity_id}/output-files/last-revisions."""
    return _documents(unit, _newest(_found(unit, "t.entity_id = %s", (entity_id,))))


@query(allow=entity_team)
def list_instance_output_files(unit: Unit, asset_instance_id: Id) -> bytes:
    """List the output files of an instance. Source: GET /data/asset-instances/{asset_instance_id}/output-files."""
    return _documents(unit, _found(unit, "t.asset_instance_id = %s", (asset_instance_id,)))


@query(allow=entity_team)
def list_last_instance_output_files(unit: Unit, asset_instance_id: Id, temporal_entity_id: Id) -> bytes:
    """List the newest output files of an instance in a shot or scene.

    Source: GET /data/asset-instances/{asset_instance_id}/entities/{temporal_entity_id}/output-files/last-revisions.
    """
    return _documents(unit, _newest(_found(unit, *_scope(unit.request.path))))


@query(allow=project_team)
def list_project_output_files(unit: Unit, project_id: Id) -> bytes:
    """List the output files of a project. Source: GET /data/projects/{project_id}/output-files."""
    return _documents(unit, _found(unit, "t.project_id = %s", (project_id,)))


@query(allow=entity_team)
def list_entity_output_types(unit: Unit, entity_id: Id) -> bytes:
    """List the output types that an entity has files of. Source: GET /data/entities/{entity_id}/output-types."""
    return _types(unit)


@query(allow=entity_team)
def list_instance_output_types(unit: Unit, asset_instance_id: Id, temporal_entity_id: Id) -> bytes:
    """List the output types that an instance has files of.

    Source: GET /data/asset-instances/{asset_instance_id}/entities/{temporal_entity_id}/output-types.
    """
    return _types(unit)


def _types(unit: Unit) -> bytes:
    where, values = _scope(unit.request.path)
    return unit.docs(
        "output_type", f"t.id IN (SELECT f.output_type_id FROM output_file f WHERE {where.replace('t.', 'f.')})",
        values, "t.name",
    )  # fmt: skip


@query(allow=entity_team)
def list_entity_files_of_type(unit: Unit, entity_id: Id, output_type_id: Id) -> bytes:
    """List an entity's files of one type.

    Source: GET /data/entities/{entity_id}/output-types/{output_type_id}/output-files.
    """
    return _of_type(unit, output_type_id)


@query(allow=entity_team)
def list_instance_files_of_type(unit: Unit, asset_instance_id: Id, temporal_entity_id: Id, output_type_id: Id) -> bytes:
    """List an instance's files of one type.

    Source: GET
    /data/asset-instances/{asset_instance_id}/entities/{temporal_entity_id}/output-types/{output_type_id}/output-files.
    """
    return _of_type(unit, output_type_id)


def _of_type(unit: Unit, output_type_id: str) -> bytes:
    unit.need("output_type", output_type_id)
    files = _found(unit, *_scope(unit.request.path))
    return _documents(unit, [file for file in files if file["output_type_id"] == output_type_id])


@query(allow=file_readers, wrong_id="Malformed ID.")
def get_output_file(unit: Unit, instance_id: Id) -> Reply:
    """Return an output file. Source: GET /data/output-files/{instance_id}."""
    record = unit.need("output_file", instance_id)
    body = unit.resource("output_file").doc(record).encode()
    return Reply(body=body, headers={"X-Version": str(record.version)})


@query(allow=file_readers)
def get_file(unit: Unit, file_id: Id) -> bytes:
    """Return an output file. Source: GET /data/files/{file_id}."""
    return unit.resource("output_file").doc(unit.need("output_file", file_id)).encode()


def next_revision(unit: Unit, path: Mapping[str, str], name: str, output_type_id: str, task_type_id: str) -> int:
    """Return the number after the newest revision of a name, type and task type on an entity or instance."""
    where, values = _scope(path)
    statement = (
        f"SELECT coalesce(max(t.revision), 0) + 1 FROM output_file t WHERE {where} "
        "AND t.name = %s AND t.output_type_id = %s AND t.task_type_id = %s"
    )
    found: int = unit.rows(statement, (*values, name, output_type_id, task_type_id))[0][0]
    return found


def _named(unit: Unit, output_type_id: str, task_type_id: str) -> tuple[Record, Record]:
    """Return (output type, task type). Raises NotFound."""
    if not is_uuid(output_type_id) or not is_uuid(task_type_id):
        raise NotFound
    return unit.need("output_type", output_type_id), unit.need("task_type", task_type_id)


@command(allow=entity_watchers, name="count_entity_output_revision")
def next_entity_revision(
    unit: Unit, entity_id: Id, *, output_type_id: Filled, task_type_id: Filled, name: Name = "main"
) -> dict[str, int]:
    """Return {next_revision}. Source: POST /data/entities/{entity_id}/output-files/next-revision."""
    kind, work = _named(unit, output_type_id, task_type_id)
    return {"next_revision": next_revision(unit, unit.request.path, name, kind.id, work.id)}


@command(allow=entity_watchers, name="count_instance_output_revision")
def next_instance_revision(
    unit: Unit, asset_instance_id: Id, temporal_entity_id: Id, *, output_type_id: Filled, task_type_id: Filled,
    name: Name = "main",
) -> dict[str, int]:  # fmt: skip
    """Return {next_revision}.

    Source: POST /data/asset-instances/{asset_instance_id}/entities/{temporal_entity_id}/output-files/next-revision.
    """
    kind, work = _named(unit, output_type_id, task_type_id)
    return {"next_revision": next_revision(unit, unit.request.path, name, kind.id, work.id)}


def output_path(
    unit: Unit, path: Mapping[str, str], body: Mapping[str, Any], sent: int, number: int
) -> tuple[str, str]:
    """Return (folder, file name). The folder uses the revision as sent. Raises NotFound, MalformedTree."""
    kind, work = _named(unit, body["output_type_id"], body["task_type_id"])
    place = place_of(unit, path)
    if "asset_instance_id" in path:
        instance = unit.need("asset_instance", path["asset_instance_id"])
        around, key = (
            of_instance(unit, instance, place),
            "instance_asset" if instance["target_asset_id"] else "instance",
        )
    else:
        around, key = of_entity(unit, place), kind_of(place)
    tree, mode, separator = tree_of(unit, place["project_id"]), body["mode"], body["separator"]
    elements = {
        **around,
        "OutputType": element(kind),
        "Representation": Element(body["representation"]),
    }
    folder = folder_path(tree, mode, key, {**elements, **of_work(unit, work, body["name"], sent)}, separator)
    names = {**elements, **of_work(unit, work, body["name"], number)}
    return folder, file_name(tree, mode, key, names, body.get("nb_elements") or 1)


@command(allow=entity_watchers)
def build_entity_output_path(
    unit: Unit, entity_id: Id, *, output_type_id: Filled, task_type_id: Filled, body: Any, name: Name = "main",
    mode: str = "output", revision: Revision = 0, extension: Extension = "", representation: Representation = "",
    separator: str = "/",
) -> dict[str, str]:  # fmt: skip
    """Return {folder_path, file_name}; revision 0 means the next one in the file name.

    Raises DomainError for a malformed tree. Source: POST /data/entities/{entity_id}/output-file-path.
    """
    number = revision
    if not number:
        kind, work = _named(unit, output_type_id, task_type_id)
        number = next_revision(unit, unit.request.path, name, kind.id, work.id)
    return _built(unit, body, (revision, number), locals())


@command(allow=entity_watchers)
def build_instance_output_path(
    unit: Unit, asset_instance_id: Id, temporal_entity_id: Id, *, output_type_id: Filled, task_type_id: Filled,
    body: Any, name: Name = "main", mode: str = "output", revision: Revision = 0, extension: Extension = "",
    representation: Representation = "",
    separator: str = "/",
) -> dict[str, str]:  # fmt: skip
    """Return {folder_path, file_name}, the revision as sent.

    Source: POST /data/asset-instances/{asset_instance_id}/entities/{temporal_entity_id}/output-file-path.
    """
    return _built(unit, body, (revision, revision), locals())


def _built(unit: Unit, body: Any, revisions: tuple[int, int], values: Mapping[str, Any]) -> dict[str, str]:
    try:
        folder, file = output_path(unit, unit.request.path, values, *revisions)
    except MalformedTree as problem:
        raise malformed(problem, body) from None
    return {"folder_path": folder, "file_name": file}
