"""What imports bring in: entities and castings in bulk, one transaction for a whole file."""

from typing import Any

from chassis.binding import Id
from chassis.errors import NotFound
from chassis.operations import command
from chassis.policy import nobody
from chassis.resources import Record
from chassis.unit import Unit
from services.production.casting import recast
from services.production.entities import named_entity, new_entity, type_named
from services.production.entity_pages import document

TYPES = {"shot": "Shot", "edit": "Edit"}
WHOLE_SHOW = ("", "mp", "main", "main pack")


class _Index:
    """The entities of a project by what a spreadsheet calls them; new ones are added as they are made."""

    def __init__(self, unit: Unit, project_id: str) -> None:
        self.unit, self.project_id = unit, project_id
        self.types = {record["name"].lower(): record for record in unit.find("entity_type")}
        self.known: dict[tuple[str, str | None, str], Record] = {}
        for record in unit.find("entity", "t.project_id = %s", (project_id,)):
            self.known.setdefault(self.key(record), record)

    @staticmethod
    def key(record: Record) -> tuple[str, str | None, str]:
        """Return (type, parent, name) of an entity; the episode stands for an asset's parent."""
        parent = record["source_id"] if record["kind"] == "asset" else record["parent_id"]
        return record["entity_type_id"], parent, record["name"]

    def type_id(self, name: str) -> str:
        """Return the id of an entity type, made when there is none."""
        if name.lower() not in self.types:
            self.types[name.lower()] = type_named(self.unit, name)
        return self.types[name.lower()].id

    def parent(self, kind: str, name: str, parent_id: str | None) -> str:
        """Return the id of an episode or sequence, made when there is none."""
        key = (self.type_id(kind), parent_id, name)
        if key not in self.known:
            more = {"parent_id": parent_id} if parent_id else {}
            self.known[key] = named_entity(self.unit, self.project_id, kind, name, **more)
        return self.known[key].id


@command(allow=nobody)
def import_entities(unit: Unit, project_id: Id, *, body: Any) -> dict[str, Any]:
    """Create or change entities: {kind, update, rows: [{name, type?, sequence?, episode?, description?, data …}]}.

    Returns {entities, touched} in the order of the rows; without `update` known ones stay as they are.
    """
    unit.need("project", project_id)
    index = _Index(unit, project_id)
    entities, touched = [], []
    for row in body["rows"]:
        record, changed = _imported(index, body["kind"], dict(row), update=bool(body.get("update")))
        entities.append({**document(unit, record, relations=False), "type": "Entity"})
        touched.append(changed)
    return {"entities": entities, "touched": touched}


def _imported(index: _Index, kind: str, row: dict[str, Any], *, update: bool) -> tuple[Record, bool]:
    episode = row.pop("episode", "")
    parent = None if episode.lower() in WHOLE_SHOW else index.parent("Episode", episode, None)
    if kind == "shot":
        parent = index.parent("Sequence", row.pop("sequence"), parent)
    type_id = index.type_id(row.pop("type", None) or TYPES.get(kind, "Asset"))
    key = (type_id, parent, row["name"])
    record = index.known.get(key)
    if record is None:
        fields = {**row, "source_id" if kind == "asset" else "parent_id": parent}
        entity_type = next(each for each in index.types.values() if each.id == type_id)
        record = index.known[key] = new_entity(index.unit, index.project_id, entity_type, row.pop("name"), fields)
        return record, True
    if update:
        changes = {**row, "data": {**(record["data"] or {}), **(row.get("data") or {})}}
        record = index.known[key] = index.unit.update(record, changes)
    return record, update


@command(allow=nobody)
def import_casting(unit: Unit, project_id: Id, *, body: Any) -> None:
    """Add rows to castings: {rows: [{entity_id, asset_id, nb_occurences, label}]}; 0 occurrences take one out."""
    wanted: dict[str, dict[str, dict[str, Any]]] = {}
    for row in body["rows"]:
        wanted.setdefault(row["entity_id"], {})[row["asset_id"]] = row
    for entity_id, rows in wanted.items():
        entity = unit.need("entity", entity_id)
        if entity["project_id"] != project_id:
            raise NotFound
        links = unit.find("entity_link", "t.entity_in_id = %s", (entity_id,))
        casting = {
            link["entity_out_id"]: {
                "asset_id": link["entity_out_id"], "nb_occurences": link["nb_occurences"], "label": link["label"],
            }
            for link in links
        }  # fmt: skip
        casting.update({asset_id: {k: v for k, v in row.items() if k != "entity_id"} for asset_id, row in rows.items()})
        recast(unit, entity, [row for row in casting.values() if row["nb_occurences"] > 0])
