"""Spreadsheets in: which assets play in which shots."""

from typing import Any

from chassis.binding import Id
from chassis.messages import Upload
from chassis.operations import command
from chassis.resources import Record
from chassis.unit import Unit
from contracts.access import project_managers
from services.imports.files import sheet_of
from services.imports.spreadsheets import Row, RowError, cell, need, plan, whole


@command(allow=project_managers, status=201)
def import_casting(unit: Unit, project_id: Id, *, files: list[Upload]) -> list[None]:
    """Import who plays in what. Source: POST /import/csv/projects/{project_id}/casting."""
    sheet, project = sheet_of(unit, files), unit.need("project", project_id)
    index = _Castable(unit, project)
    rows = plan(sheet, index.row)
    if rows:
        unit.ask("production.import_casting", {"project_id": project.id}, {"rows": rows})
    return [None] * len(rows)


class _Castable:
    """The assets and the things they are cast in, by name."""

    def __init__(self, unit: Unit, project: Record) -> None:
        self.tv = project["production_type"] == "tvshow"
        types = {record.id: record["name"].lower() for record in unit.find("entity_type")}
        found = unit.find("entity", "t.project_id = %s", (project.id,))
        names = {record.id: record for record in found}
        self.assets = {
            (types.get(r["entity_type_id"], ""), r["name"].lower()): r.id for r in found if r["kind"] == "asset"
        }
        self.targets: dict[tuple[str, str, str], str] = {}
        for record in found:
            parent = names.get(record["parent_id"])
            top = names.get(parent["parent_id"]) if parent else None
            first = parent["name"] if parent else types.get(record["entity_type_id"], "")
            self.targets[(top["name"].lower() if top else "", first.lower(), record["name"].lower())] = record.id

    def row(self, row: Row) -> dict[str, Any]:
        """Return {entity_id, asset_id, nb_occurences, label}. Raises RowError."""
        kind, asset = need(row, "Asset Type").lower(), need(row, "Asset").lower()
        parent, name = need(row, "Parent").lower(), need(row, "Name").lower()
        asset_id = self.assets.get((kind, asset))
        if asset_id is None:
            raise RowError(f"Asset not found for {row['Asset Type']} / {row['Asset']}")
        episode = cell(row, "Episode").lower() if self.tv else ""
        entity_id = self.targets.get((episode, parent, name)) or self.targets.get(("", parent, name))
        if entity_id is None:
            raise RowError(f"Entity not found for {row['Parent']} / {row['Name']}")
        number = whole(cell(row, "Occurences", "Occurrences"), "Occurences")
        return {
            "entity_id": entity_id,
            "asset_id": asset_id,
            "nb_occurences": 1 if number is None else number,
            "label": cell(row, "Label"),
        }
