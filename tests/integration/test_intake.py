"""Records from elsewhere, in bulk: matched, created, changed, and refused with their number."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import orjson
import pytest

from chassis import intake
from chassis.errors import Refused, UnknownParent
from chassis.service import Service
from tests.support.kernel import LIBRARY, call, library


@pytest.fixture(scope="module")
def shop() -> Iterator[Service]:
    with library(replace(LIBRARY, rooms=(intake,))) as service:
        yield service


def taken(service: Service, kind: str, records: list[dict[str, Any]], *keys: list[str]) -> list[dict[str, Any]]:
    body = {"kind": kind, "keys": list(keys), "records": records}
    found: list[dict[str, Any]] = orjson.loads(call(service, "import_records", body).read())
    return found


def test_a_record_is_created_under_its_own_id_and_changed_the_next_time(shop: Service) -> None:
    id_ = str(uuid4())
    assert taken(shop, "book", [{"id": id_, "name": "Momo"}], ["id"])[0]["id"] == id_
    [changed] = taken(shop, "book", [{"id": id_.upper(), "name": "Momo", "pages": 304}], ["id"])
    assert (changed["id"], changed["pages"]) == (id_, 304)


def test_the_second_of_two_records_with_one_key_changes_the_first(shop: Service) -> None:
    first, second = taken(shop, "shelf", [{"name": "Twins"}, {"name": "Twins"}], ["name"])
    assert first["id"] == second["id"]
    assert taken(shop, "shelf", [{"name": "Twins"}], ["name"])[0]["id"] == first["id"]


def test_the_keys_are_tried_one_after_the_other(shop: Service) -> None:
    [shelf] = taken(shop, "shelf", [{"name": "By name"}], ["name"])
    [found] = taken(shop, "shelf", [{"id": str(uuid4()), "name": "By name"}], ["name"], ["id"])
    assert found["id"] == shelf["id"]


def test_a_book_goes_to_a_shelf_that_is_there_and_to_no_other(shop: Service) -> None:
    [shelf] = taken(shop, "shelf", [{"name": "There"}], ["name"])
    [book] = taken(shop, "book", [{"name": "Ronja", "shelf_id": shelf["id"]}])
    assert book["shelf_id"] == shelf["id"]
    with pytest.raises(UnknownParent):
        taken(shop, "book", [{"name": "Ronja", "shelf_id": str(uuid4())}])


def test_one_record_that_cannot_be_taken_is_named_and_none_is(shop: Service) -> None:
    before = shop.head()
    with pytest.raises(Refused, match=r"^Record 2: A required field is missing: name"):
        taken(shop, "book", [{"name": "Good"}, {"pages": 3}])
    with pytest.raises(Refused, match=r"^Record 3: "):
        taken(shop, "book", [{"name": "Good"}, {"name": "Better"}, {"name": 5}])
    assert shop.head() == before
