"""The spreadsheet of an upload, and what the importers have in common."""

from typing import Any

import orjson

from chassis.errors import BadRequest
from chassis.messages import Upload
from chassis.unit import Unit
from services.imports.spreadsheets import Sheet, read_sheet

NO_FILE = "The browser (or proxy) sent a request that this server could not understand."
FILE_LIMIT = 64 * 1024 * 1024


def sheet_of(unit: Unit, files: list[Upload]) -> Sheet:
    """Return the sheet of the uploaded field `file`. Raises BadRequest."""
    upload = next((each for each in files if each.field == "file"), None)
    if upload is None:
        raise BadRequest(NO_FILE)
    if upload.size > FILE_LIMIT:
        raise BadRequest(f"A spreadsheet may have {FILE_LIMIT} bytes at most: split it.")
    return read_sheet(b"".join(unit.setting("store").open(upload.key)))


def answer_of(unit: Unit, operation: str, path: dict[str, str], body: Any) -> Any:
    """Return what another service answers to `body`, as data."""
    return orjson.loads(unit.ask(operation, path, body).read())
