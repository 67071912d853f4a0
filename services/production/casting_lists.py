"""Castings as they are read: of one entity, of all shots, and where an asset plays."""

from functools import partial
from typing import Any

from chassis.binding import NIL, Id, is_uuid
from chassis.errors import Invalid
from chassis.held import unless_held
from chassis.messages import Reply
from chassis.operations import query
from chassis.pieces import Groups
from chassis.unit import Unit
from contracts.access import project_managers
from services.production.access import entity_readers, inside, project_no_vendors

Rows = list[dict[str, Any]]
ROWS = """
SELECT a.id::text, a.name, ty.name, a.doc::jsonb->>'ready_for', a.source_id::text, a.preview_file_id::text,
       t.nb_occurences, t.doc::jsonb->>'label', a.is_shared, a.project_id::text
FROM entity_link t JOIN entity a ON a.id = t.entity_out_id JOIN entity_type ty ON ty.id = a.entity_type_id
WHERE t.entity_in_id = %s AND a.canceled IS NOT TRUE ORDER BY ty.name, a.name
"""
KEYS = ("asset_id", "asset_name", "asset_type_name", "ready_for", "episode_id", "preview_file_id", "nb_occurences",
        "label", "is_shared", "project_id")  # fmt: skip
# Everything of a map is put together by PostgreSQL, what is said of an asset once for all its parts; the bytes pass
# through untouched.
ROWS_OF_ALL = """
WITH link AS MATERIALIZED (
    SELECT t.entity_in_id, t.entity_out_id, e.parent_id, '{{"nb_occurences":' || coalesce(t.nb_occurences::text, 'null')
        || ',"label":' || coalesce(to_json(t.label)::text, 'null') || {more} AS head
    FROM entity_link t JOIN entity e ON e.id = t.entity_in_id LEFT JOIN entity q ON q.id = e.parent_id
    WHERE e.canceled IS NOT TRUE AND {where}),
asset AS MATERIALIZED (
    SELECT a.id, row_number() OVER (ORDER BY ty.name, a.name) AS place, substr(jsonb_build_object('asset_id', a.id,
        'name', a.name, 'asset_name', a.name, 'asset_type_name', ty.name, 'preview_file_id', a.preview_file_id,
        'is_shared', a.is_shared, 'project_id', a.project_id)::text, 2) AS tail
    FROM entity a JOIN entity_type ty ON ty.id = a.entity_type_id
    WHERE a.canceled IS NOT TRUE AND a.id IN (SELECT l.entity_out_id FROM link l)),
casting AS (
    SELECT '"' || l.entity_in_id || '":[' || string_agg(l.head || a.tail, ',' ORDER BY a.place) || ']' AS rows,
        coalesce(l.parent_id, '{nil}') AS parent_id
    FROM link l JOIN asset a ON a.id = l.entity_out_id GROUP BY l.entity_in_id, l.parent_id)
"""
MAP = ROWS_OF_ALL + "SELECT '{{' || coalesce(string_agg(c.rows, ','), '') || '}}' FROM casting c"
# The same for each sequence, and what a sequence is known by: its links, what they lead to, and its own row.
BY_SEQUENCE = ROWS_OF_ALL + "SELECT c.parent_id::text, string_agg(c.rows, ',') FROM casting c GROUP BY c.parent_id"
NAMES = f"""
SELECT coalesce(e.parent_id, '{NIL}')::text || count(*) || ' '
    || bit_xor(uuid_hash_extended(t.id, (t.xmin::text::bigint << 32) | a.xmin::text::bigint)) || ' '
    || coalesce(min(q.xmin::text), '')
FROM entity_link t JOIN entity e ON e.id = t.entity_in_id JOIN entity a ON a.id = t.entity_out_id
    LEFT JOIN entity q ON q.id = e.parent_id
WHERE e.project_id = %s AND e.kind = 'shot' AND e.canceled IS NOT TRUE AND a.canceled IS NOT TRUE
GROUP BY e.parent_id ORDER BY e.parent_id
"""
SEQUENCE = """',"sequence_name":' || coalesce(to_json(q.name)::text, 'null') || ','"""
# Where assets of other projects come from: these change without a word in the log of this one.
LENDERS = """
SELECT DISTINCT a.project_id::text
FROM entity e JOIN entity_link t ON t.entity_in_id = e.id JOIN entity a ON a.id = t.entity_out_id
WHERE e.project_id = %s AND a.project_id <> e.project_id
"""


def rows_of(unit: Unit, entity_id: str) -> Rows:
    """Return the casting of an entity by asset type, then name."""
    return [dict(zip(KEYS, row, strict=True)) for row in unit.rows(ROWS, (entity_id,), planned=True)]


@query(allow=project_no_vendors, kept=True)
def get_casting(unit: Unit, project_id: Id, entity_id: Id) -> Rows:
    """List an entity's casting. Source: GET /data/projects/{project_id}/entities/{entity_id}/casting."""
    inside(unit, {"project_id": project_id, "entity_id": entity_id}, "entity_id")
    return rows_of(unit, entity_id)


@query(allow=entity_readers, kept=True)
def get_asset_casting(unit: Unit, asset_id: Id) -> Rows:
    """List the parts of an asset. Source: GET /data/assets/{asset_id}/casting."""
    return rows_of(unit, asset_id)


def _map(unit: Unit, where: str, args: list[Any], *, names: bool = True) -> bytes:
    return unit.raw(MAP.format(more=SEQUENCE if names else "','", where=where, nil=NIL), args)


@query(allow=project_no_vendors)
def list_shots_casting(unit: Unit, project_id: Id) -> Reply:
    """Return shot id -> casting. Source: GET /data/projects/{project_id}/sequences/all/casting."""
    scopes = [f"{project_id}/entity", f"{project_id}/entity_link", "entity_link", "entity_type"]
    revision = unit.etag(*scopes)
    lenders = unit.finished(("lenders", project_id), revision, partial(unit.rows, LENDERS, (project_id,)))
    if lenders:
        revision = unit.etag(*scopes, *(f"{lender}/entity" for (lender,) in lenders))
    groups = Groups(NAMES, [project_id], partial(_by_sequence, unit, project_id))

    def read() -> bytes:
        # Types of assets are in all pieces and in no name.
        key = ("casting by sequence", project_id, unit.etag("entity_type"))
        return b"{%b}" % b",".join(groups.read(unit, key, revision).values())

    what = ("casting", project_id)
    return unless_held(unit, what, revision, lambda: unit.finished(what, revision, read))


def _by_sequence(unit: Unit, project_id: str, ids: list[bytes] | None) -> dict[bytes, bytes]:
    """Return what is in the map of each sequence, of those with `ids` or of all."""
    where = "e.project_id = %s AND e.kind = 'shot'"
    args: list[Any] = [project_id]
    if ids is not None:
        orphans = " OR e.parent_id IS NULL" if NIL.encode() in ids else ""
        where, args = f"{where} AND (e.parent_id = ANY(%s::uuid[]){orphans})", [*args, [id_.decode() for id_ in ids]]
    return dict(unit.undecoded(BY_SEQUENCE.format(more=SEQUENCE, where=where, nil=NIL), args))


@query(allow=project_no_vendors)
def list_sequence_casting(unit: Unit, project_id: Id, sequence_id: Id) -> bytes:
    """Return shot id -> casting of a sequence.

    Source: GET /data/projects/{project_id}/sequences/{sequence_id}/casting.
    """
    return _map(unit, "e.project_id = %s AND e.kind = 'shot' AND e.parent_id = %s", [project_id, sequence_id])


@query(allow=project_no_vendors)
def list_episode_shots_casting(unit: Unit, project_id: Id, episode_id: str) -> bytes:
    """Return shot id -> casting of an episode; `main` stands for shots outside of episodes.

    Source: GET /data/projects/{project_id}/episodes/{episode_id}/sequences/all/casting.
    """
    where = "e.project_id = %s AND e.kind = 'shot'"
    args: list[Any] = [project_id]
    if episode_id == "main":
        where += " AND q.parent_id IS NULL"
    elif episode_id != "all":
        if not is_uuid(episode_id):
            raise Invalid("Wrong UUID format.")
        where, args = f"{where} AND q.parent_id = %s", [*args, episode_id]
    return _map(unit, where, args)


@query(allow=project_no_vendors)
def list_episodes_casting(unit: Unit, project_id: Id) -> bytes:
    """Return episode id -> casting. Source: GET /data/projects/{project_id}/episodes/casting."""
    return _map(unit, "e.project_id = %s AND e.kind = 'episode'", [project_id], names=False)


@query(allow=project_no_vendors)
def list_asset_type_casting(unit: Unit, project_id: Id, asset_type_id: Id) -> bytes:
    """Return asset id -> parts. Source: GET /data/projects/{project_id}/asset-types/{asset_type_id}/casting."""
    where = "e.project_id = %s AND e.kind = 'asset' AND e.entity_type_id = %s"
    return _map(unit, where, [project_id, asset_type_id], names=False)


CAST_IN = """
SELECT e.id::text, e.name, q.name, coalesce(p.id::text, ''), p.name, e.preview_file_id::text, t.nb_occurences
FROM entity_link t JOIN entity e ON e.id = t.entity_in_id LEFT JOIN entity q ON q.id = e.parent_id
    LEFT JOIN entity p ON p.id = q.parent_id
WHERE t.entity_out_id = %s AND e.kind = 'shot' AND e.canceled IS NOT TRUE ORDER BY p.name, q.name, e.name
"""
CAST_KEYS = ("shot_id", "shot_name", "sequence_name", "episode_id", "episode_name", "preview_file_id", "nb_occurences")
IN_ASSETS = """
SELECT e.id::text, e.name, ty.name, e.preview_file_id::text, t.nb_occurences
FROM entity_link t JOIN entity e ON e.id = t.entity_in_id JOIN entity_type ty ON ty.id = e.entity_type_id
WHERE t.entity_out_id = %s AND e.kind = 'asset' AND e.canceled IS NOT TRUE ORDER BY ty.name, e.name
"""
IN_KEYS = ("asset_id", "asset_name", "asset_type_name", "preview_file_id", "nb_occurences")


@query(allow=entity_readers, kept=True)
def list_cast_in(unit: Unit, asset_id: Id) -> Rows:
    """List the shots, then the assets, that an asset plays in. Source: GET /data/assets/{asset_id}/cast-in."""
    shots = [dict(zip(CAST_KEYS, row, strict=True)) for row in unit.rows(CAST_IN, (asset_id,))]
    assets = [dict(zip(IN_KEYS, row, strict=True)) for row in unit.rows(IN_ASSETS, (asset_id,))]
    return [*shots, *assets]


@query(allow=entity_readers)
def list_asset_parts(unit: Unit, asset_id: Id) -> bytes:
    """List the assets inside an asset. Source: GET /data/assets/{asset_id}/assets."""
    return _cast_assets(unit, asset_id)


@query(allow=entity_readers)
def list_shot_assets(unit: Unit, shot_id: Id) -> bytes:
    """List the assets of a shot. Source: GET /data/shots/{shot_id}/assets."""
    return _cast_assets(unit, shot_id)


def _cast_assets(unit: Unit, entity_id: str) -> bytes:
    where = "t.id IN (SELECT k.entity_out_id FROM entity_link k WHERE k.entity_in_id = %s) AND t.canceled IS NOT TRUE"
    return unit.docs("entity", where, (entity_id,), "t.name")


SHARED_USED = """t.is_shared AND t.kind = 'asset' AND t.project_id <> %s AND t.id IN (
    SELECT k.entity_out_id FROM entity_link k JOIN entity e ON e.id = k.entity_in_id WHERE e.project_id = %s"""


@query(allow=project_no_vendors)
def list_shared_used(unit: Unit, project_id: Id) -> bytes:
    """List shared assets of other projects cast here. Source: GET /data/projects/{project_id}/assets/shared-used."""
    return unit.docs("entity", SHARED_USED + ")", (project_id, project_id), "t.name")


@query(allow=project_no_vendors)
def list_episode_shared_used(unit: Unit, project_id: Id, episode_id: str) -> bytes:
    """List those cast in an episode.

    Source: GET /data/projects/{project_id}/episodes/{episode_id}/assets/shared-used.
    """
    if not is_uuid(episode_id):
        return list_shared_used(unit, project_id)
    inner = " AND (e.id = %s OR e.parent_id IN (SELECT q.id FROM entity q WHERE q.parent_id = %s)))"
    return unit.docs("entity", SHARED_USED + inner, (project_id, project_id, episode_id, episode_id), "t.name")


@query(allow=project_managers)
def list_project_links(unit: Unit, project_id: Id) -> dict[str, Any] | Rows:
    """List the casting rows of a project; paged, or those newer than `cursor_created_at` with microseconds.

    Source: GET /data/projects/{project_id}/entity-links.
    """
    request = unit.request
    where = "e.project_id = %s"
    args: list[Any] = [project_id]
    cursor, limit = request.one("cursor_created_at"), _number(request.one("limit"), 100)
    page = _number(request.one("page"), 0)
    if cursor:
        where, args = f"{where} AND t.created_at > %s::timestamptz", [*args, cursor]
    source = f"FROM entity_link t JOIN entity e ON e.id = t.entity_in_id WHERE {where}"
    total = unit.rows(f"SELECT count(*) {source}", args)[0][0]
    paging = f" LIMIT {limit} OFFSET {(page - 1) * limit}" if page >= 1 else f" LIMIT {limit}" if cursor else ""
    statement = (
        "SELECT t.id::text, t.entity_in_id::text, t.entity_out_id::text, t.nb_occurences, t.doc::jsonb->>'label', "
        f"t.doc::jsonb->'data', t.created_at {source} ORDER BY t.created_at, t.id{paging}"
    )
    rows = [
        {
            "id": id_, "entity_in_id": one, "entity_out_id": other, "nb_occurences": count,
            "label": label, "data": data,
            "created_at": created.strftime("%Y-%m-%dT%H:%M:%S.%f" if cursor else "%Y-%m-%dT%H:%M:%S"),
            "type": "EntityLink",
        }
        for id_, one, other, count, label, data, created in unit.rows(statement, args)
    ]  # fmt: skip
    if cursor:
        return {"data": rows, "total": total, "limit": limit}
    if page < 1:
        return rows
    pages = -(-total // limit)
    return {
        "data": rows, "total": total, "nb_pages": pages, "limit": limit, "offset": (page - 1) * limit, "page": page,
    }  # fmt: skip


def _number(text: str | None, default: int) -> int:
    try:
        return int(text) if text else default
    except ValueError:
        raise Invalid("page and limit must be integers.") from None
