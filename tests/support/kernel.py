"""A small service for tests of the kernel: shelves and the books on them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from chassis.crud import Crud
from chassis.database import Database
from chassis.messages import THE_SYSTEM, Reply, Request
from chassis.policy import signed_in
from chassis.resources import Field, Resource, Unique
from chassis.schema import migrate
from chassis.service import Service
from chassis.spec import NoBus, ServiceSpec
from tests.support.database import drop_database, fresh_database, postgres_server

SHELF = Resource(
    kind="shelf",
    plural="shelves",
    type="Shelf",
    live="shelf",
    fields=(Field("name", required=True, column=True, max=40), Field("books", "uuids", relation=True, ref="book")),
    unique=(Unique(("name",)),),
)
BOOK = Resource(
    kind="book",
    plural="books",
    type="Book",
    live="book",
    fields=(
        Field("name", required=True, column=True, max=80),
        Field("shelf_id", "uuid", ref="shelf", column=True),
        Field("pages", "integer", 0),
        Field("tags", "strings", column=True),
        Field("data", "json"),
        Field("secret_note", hidden=True, secret=True),
    ),
)
OWNERS = {"shelf": "library", "book": "library"}
LIBRARY = ServiceSpec(
    "library",
    owns=(SHELF, BOOK),
    cruds=tuple(Crud(r, signed_in, signed_in, signed_in, signed_in) for r in (SHELF, BOOK)),
)


@contextmanager
def library(spec: ServiceSpec = LIBRARY, commit: str = "off") -> Iterator[Service]:
    """Lend the library service on a fresh database."""
    server = postgres_server()
    url = fresh_database(server, f"test_{spec.name}")
    service = Service(spec, Database(url, commit=commit), NoBus())
    try:
        migrate(service)
        yield service
    finally:
        service.database.close()
        drop_database(server, url)


def call(service: Service, operation: str, body: Any = None, **more: Any) -> Reply:
    """Call an operation as the system."""
    return service.call(Request(f"{service.name}.{operation}", body=body, actor=THE_SYSTEM, **more))
