"""SQL texts built once from resources: tables, upserts, and the fixed statements of the log."""

from collections.abc import Iterable

from chassis.prepared import Prepared
from chassis.resources import SQL_TYPES, Field, Resource

READ, REPLICA, NEXT = "read", "replica", "read_next"
FIXED = ("id", "version", "project_id", "created_at", "updated_at")
TAIL = ("doc", "rel", "priv")
BY_ID = {
    "get": (" WHERE t.id = $1", "uuid"),
    "lock": (" WHERE t.id = $1 FOR UPDATE", "uuid"),
    "any": (" WHERE t.id = ANY($1)", "uuid[]"),
}

NOW = " now"

LOG_MIGRATIONS: tuple[tuple[str, str], ...] = (
    (
        "0001_create_event_store",
        """
        CREATE TABLE log.head (position bigint NOT NULL);
        INSERT INTO log.head VALUES (0);
        CREATE TABLE log.events (
            position bigint PRIMARY KEY, kind text NOT NULL, id uuid NOT NULL, version int NOT NULL,
            name text NOT NULL, schema int NOT NULL, op text NOT NULL, new json NOT NULL, old json NOT NULL,
            recorded_at timestamptz NOT NULL, project_id uuid, actor_id uuid, on_behalf_of uuid,
            request_id text NOT NULL, causation text, live json NOT NULL,
            CONSTRAINT events_stream UNIQUE (kind, id, version));
        CREATE INDEX events_recorded_at ON log.events (recorded_at);
        CREATE TABLE log.checkpoints (
            owner text PRIMARY KEY, position bigint NOT NULL, reacted bigint NOT NULL DEFAULT 0);
        CREATE TABLE log.parked (
            owner text NOT NULL, position bigint NOT NULL, kind text NOT NULL, id uuid NOT NULL, event json NOT NULL,
            error text NOT NULL, parked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            PRIMARY KEY (owner, position));
        CREATE TABLE log.idempotency (
            key text NOT NULL, actor_id text NOT NULL, operation text NOT NULL, request_hash text NOT NULL,
            status int NOT NULL, content_type text NOT NULL, body bytea NOT NULL,
            recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(), PRIMARY KEY (actor_id, key));
        CREATE TABLE log.scopes (scope text PRIMARY KEY, revision bigint NOT NULL);
        CREATE TABLE log.meta (name text PRIMARY KEY, value text NOT NULL);
        """,
    ),
    ("0002_add_relay_cursor", "CREATE TABLE log.relay (position bigint NOT NULL); INSERT INTO log.relay VALUES (0);"),
    (
        "0003_serve_one_shape_at_a_time",
        """
        ALTER TABLE log.head ADD shape text NOT NULL DEFAULT '';
        DELETE FROM log.meta WHERE name = 'shape';
        ALTER TABLE log.checkpoints ADD shape text NOT NULL DEFAULT '';
        ALTER TABLE log.checkpoints DROP CONSTRAINT checkpoints_pkey, ADD PRIMARY KEY (owner, shape);
        CREATE TABLE log.prepared (shape text PRIMARY KEY, position bigint NOT NULL);
        """,
    ),
    (
        "0004_refuse_writers_of_another_shape",
        """
        CREATE FUNCTION log.not_served() RETURNS bigint LANGUAGE plpgsql AS $$
        BEGIN RAISE undefined_table USING MESSAGE = 'read models of another shape are served'; END $$;
        """,
    ),
    ("0005_tell_when_rows_were_mended", "INSERT INTO log.scopes VALUES ('', 0) ON CONFLICT DO NOTHING;"),
)

# Names as a search sees them. `unaccent` alone may change with its rules, so PostgreSQL builds no index on it; ours are
# those of the extension, and a read model is made anew with every release that could bring others.
PLAIN_TEXT = """
CREATE OR REPLACE FUNCTION log.plain_text(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$ SELECT public.unaccent('public.unaccent'::regdictionary, lower($1)) $$
"""

# Revisions of scopes move on, so that ETags made of them change; in order, as two writers must not wait for each other.
# Rows are about to differ without an event of their own: no tag made of revisions fits any more. Nothing else moves the
# scope without a name, so that its revision tells how often this has happened.
MOVE_ALL_ON = "UPDATE log.scopes SET revision = revision + 1"
STATE = "SELECT position, coalesce((SELECT revision FROM log.scopes WHERE scope = ''), 0) FROM log.head"
MOVE_ON = "ON CONFLICT (scope) DO UPDATE SET revision = greatest(log.scopes.revision + 1, EXCLUDED.revision)"
APPEND = Prepared(
    "append",
    ("bigint", "text", "timestamptz", "uuid", "uuid", "text", "text", "text[]", "text[]", "uuid[]", "int[]", "text[]",
     "int[]", "text[]", "json[]", "json[]", "uuid[]", "json[]"),
    f"""
WITH head AS (UPDATE log.head SET position = position + $1 WHERE shape = $2 RETURNING position),
moved AS (
    INSERT INTO log.scopes (scope, revision) SELECT s, head.position FROM head, unnest($8) AS s ORDER BY s {MOVE_ON}),
added AS (
    INSERT INTO log.events (position, kind, id, version, name, schema, op, new, old, recorded_at, project_id,
                            actor_id, on_behalf_of, request_id, causation, live)
    SELECT head.position - $1 + e.ord, e.kind, e.id, e.version, e.name, e.schema, e.op, e.new, e.old,
           $3 + (e.ord - 1) * interval '1 microsecond', e.project_id, $4, $5, $6, $7, e.live
    FROM head, unnest($9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
         WITH ORDINALITY AS e(kind, id, version, name, schema, op, new, old, project_id, live, ord))
SELECT set_config('kiroku.position', coalesce((SELECT position FROM head), log.not_served())::text, false)
""",
)  # fmt: skip
# The COMMIT is sent with what waits before it, so its position comes after it.
COMMIT = "COMMIT; SELECT current_setting('kiroku.position')::bigint"
BUMP = Prepared(
    "bump",
    ("text[]",),
    f"INSERT INTO log.scopes (scope, revision) SELECT s, 0 FROM unnest($1) AS s ORDER BY s {MOVE_ON}",
)

EVENT_COLUMNS = (
    "position, kind, id::text, version, name, schema, op, new::text, old::text, recorded_at, project_id::text, "
    "actor_id::text, on_behalf_of::text, request_id, causation, live::text"
)
FEED = f"SELECT {EVENT_COLUMNS} FROM log.events WHERE position > %s ORDER BY position LIMIT %s"
FEED_KINDS = f"SELECT {EVENT_COLUMNS} FROM log.events WHERE position > %s AND kind = ANY(%s) ORDER BY position LIMIT %s"
STREAM = f"SELECT {EVENT_COLUMNS} FROM log.events WHERE kind = %s AND id = %s ORDER BY version"


def table_name(resource: Resource) -> str:
    """Return the quoted table name of a kind."""
    return f'"{resource.kind}"'


def column_type(field: Field) -> str:
    """Return the SQL type of a field's column."""
    return SQL_TYPES[field.type]


def create_table(resource: Resource, schema: str, *, rules: bool = True) -> str:
    """Return the statements that create the read table of `resource`; replicas have no uniqueness `rules`."""
    kind = resource.kind
    columns = ["id uuid PRIMARY KEY", "version int NOT NULL", "project_id uuid"]
    columns += ["created_at timestamptz NOT NULL", "updated_at timestamptz NOT NULL"]
    columns += [f'"{f.name}" {column_type(f)}' for f in resource.columns]
    columns += ["doc text NOT NULL", "rel text NOT NULL", "priv text"]
    lines = [f'CREATE TABLE {schema}."{kind}" ({", ".join(columns)});']
    lines.append(f'CREATE INDEX ON {schema}."{kind}" (project_id) WHERE project_id IS NOT NULL;')
    for field in resource.columns:
        if field.type == "uuid" and field.name != "project_id":
            lines.append(f'CREATE INDEX ON {schema}."{kind}" ("{field.name}") WHERE "{field.name}" IS NOT NULL;')
        if field.type in ("uuids", "strings"):
            lines.append(f'CREATE INDEX ON {schema}."{kind}" USING gin ("{field.name}");')
    for index in resource.indexes:
        lines.append(f'CREATE INDEX ON {schema}."{kind}" ({", ".join(index)});')
    for name in resource.searched if rules else ():
        words = f'log.plain_text("{name}") public.gin_trgm_ops'
        lines.append(f'CREATE INDEX ON {schema}."{kind}" USING gin ({words});')
    for rule in resource.unique if rules else ():
        where = f" WHERE {rule.where}" if rule.where else ""
        lines.append(f'CREATE UNIQUE INDEX ON {schema}."{kind}" ({", ".join(rule.columns)}){where};')
    return "\n".join(lines)


def upsert(resource: Resource, schema: str) -> str:
    """Return the bulk upsert into the table in `schema` from arrays, one per column of `upsert_columns`."""
    return _upsert(resource, f"{schema}.", [f"%s::{type_}" for type_ in upsert_types(resource)])


def upsert_types(resource: Resource) -> list[str]:
    """Return the types of the arrays that `upsert` takes."""
    types = ["uuid", "int", "uuid", "timestamptz", "timestamptz"]
    # Arrays of arrays must be rectangular in PostgreSQL, so lists travel as JSON text and are unpacked there.
    types += ["text" if f.type in ("uuids", "strings", "json") else column_type(f) for f in resource.columns]
    types += ["text", "text", "text"]
    return [f"{type_}[]" for type_ in types]


def _upsert(resource: Resource, prefix: str, cells: list[str]) -> str:
    names = [f'"{name}"' for name in upsert_columns(resource)]
    picked = [f'u."{name}"' for name in FIXED] + [_unpacked(f) for f in resource.columns]
    picked += [f"u.{name}" for name in TAIL]
    changes = ", ".join(f"{name} = EXCLUDED.{name}" for name in names[1:])
    return (
        f"INSERT INTO {prefix}{table_name(resource)} ({', '.join(names)}) SELECT {', '.join(picked)} "
        f"FROM unnest({', '.join(cells)}) AS u({', '.join(names)}) ON CONFLICT (id) DO UPDATE SET {changes}"
    )


def _unpacked(field: Field) -> str:
    name = f'u."{field.name}"'
    if field.type in ("uuids", "strings"):
        sort = "uuid" if field.type == "uuids" else "text"
        return f"(SELECT array_agg(x::{sort}) FROM json_array_elements_text({name}::json) AS x)"
    return f"{name}::jsonb" if field.type == "json" else name


def upsert_columns(resource: Resource) -> tuple[str, ...]:
    """Return the columns in the order that `upsert` takes them."""
    return (*FIXED, *(f.name for f in resource.columns), *TAIL)


def select_rows(resource: Resource, more: str = "") -> str:
    """Return the head of a SELECT of whole rows, as Resource.load takes them, and of `more` behind them."""
    return (
        f"SELECT t.id::text, t.version, t.project_id::text, t.created_at, t.updated_at, t.doc, t.rel, t.priv{more} "
        f"FROM {table_name(resource)} t"
    )


def prepared(resource: Resource, how: str) -> Prepared:
    """Return a statement on the service's own table, planned once per connection.

    `keep` is the bulk upsert; `get` selects the row of an id, `lock` does until the commit, `any` those of an array,
    and with ` now` behind them they tell the time, too.
    """
    if how == "keep":
        types = upsert_types(resource)
        cells = [f"${place}" for place in range(1, len(types) + 1)]
        return Prepared(f"keep {resource.kind}", types, _upsert(resource, "", cells))
    tail, type_ = BY_ID[how.removesuffix(NOW)]
    more = ", clock_timestamp()" if how.endswith(NOW) else ""
    return Prepared(f"{how} {resource.kind}", [type_], select_rows(resource, more) + tail)


def definition(resources: Iterable[Resource], extra: Iterable[str] = ()) -> str:
    """Return the text that stands for the shape of the read models; another text means: rebuild."""
    parts = [
        create_table(r, READ) + repr(sorted((f.name, f.type, f.hidden, f.relation) for f in r.fields))
        for r in resources
    ]
    return "\n".join([*parts, *extra])


def tail(where: str, order: str, limit: int | None, offset: int | None) -> str:
    """Return what follows the table in a SELECT."""
    text = f" WHERE {where}" if where else ""
    text += f" ORDER BY {order}" if order else ""
    text += f" LIMIT {int(limit)}" if limit is not None else ""
    return text + (f" OFFSET {int(offset)}" if offset is not None else "")
