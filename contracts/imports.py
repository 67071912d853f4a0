"""Records that imports owns: what an import could not take in."""

from chassis.resources import Resource
from contracts.fields import blob, choice

DATA_IMPORT_ERROR = Resource(
    kind="data_import_error",
    plural="data-import-errors",
    type="DataImportError",
    fields=(blob("event_data", required=True), choice("source", ("csv", "shotgun"), column=True)),
)

RESOURCES: tuple[Resource, ...] = (DATA_IMPORT_ERROR,)
