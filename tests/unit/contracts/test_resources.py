"""The records of all services fit together."""

import re
from collections import Counter

import pytest

from chassis.resources import SQL_TYPES, Field, Resource
from chassis.sql import create_table
from contracts import OWNERS, RESOURCES, resource
from contracts.auth import PERSON, full_name
from contracts.media import PLAYLIST_SHARE_LINK
from contracts.production import ENTITY, ENTITY_KINDS, entity_kind

ALL = [each for owned in RESOURCES.values() for each in owned]
FIELDS = [pytest.param(each, field, id=f"{each.kind}.{field.name}") for each in ALL for field in each.fields]
every_resource = pytest.mark.parametrize("owned", ALL, ids=lambda each: each.kind)
every_field = pytest.mark.parametrize(("owned", "field"), FIELDS)


def repeated(names: list[str]) -> list[str]:
    """Return the names that occur more than once."""
    return [name for name, count in Counter(names).items() if count > 1]


def test_every_kind_has_one_owner() -> None:
    assert repeated([each.kind for each in ALL]) == []
    assert set(OWNERS.values()) == {"auth", "production", "tasks", "media", "imports"}
    assert all(resource(kind).kind == kind for kind in OWNERS)


def test_an_unknown_kind_is_an_error() -> None:
    with pytest.raises(KeyError):
        resource("spaceship")


def test_plurals_and_wire_types_are_unique() -> None:
    assert repeated([each.plural for each in ALL]) == []
    assert repeated([each.type for each in ALL]) == []


def test_nouns_of_client_events_are_unique() -> None:
    nouns = [each.live for each in ALL if isinstance(each.live, str)]
    nouns += [str(ENTITY.live_name({"kind": kind})) for kind in ("asset", *ENTITY_KINDS)]
    assert repeated(nouns) == []
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", noun) for noun in nouns)


@every_resource
def test_the_id_key_of_client_events_follows_from_noun_or_is_given(owned: Resource) -> None:
    if isinstance(owned.live, str):
        assert (owned.live_key or f"{owned.kind}_id") == f"{owned.live.replace('-', '_')}_id"


@every_resource
def test_no_field_is_named_like_what_every_record_has(owned: Resource) -> None:
    names = [field.name for field in owned.fields]
    assert repeated(names) == []
    assert not {"id", "type", "created_at", "updated_at"} & set(names)
    assert not {"version", "doc", "rel", "priv"} & {field.name for field in owned.columns}


@every_resource
def test_rules_and_indexes_name_columns(owned: Resource) -> None:
    known = {field.name for field in owned.columns} | {"id", "project_id", "created_at", "updated_at"}
    words = {"lower", "IS", "NOT", "NULL", "TRUE"}
    parts = [part for rule in owned.unique for part in (*rule.columns, rule.where)]
    parts += [part for index in owned.indexes for part in index]
    assert {word for part in parts for word in re.findall(r"\w+", part)} <= known | words
    assert owned.kind in create_table(owned, "read")


@every_field
def test_a_reference_names_a_known_kind(owned: Resource, field: Field) -> None:
    assert field.ref is None or field.ref in OWNERS
    if field.mirror:
        kind, name = field.mirror.split(".")
        assert name in resource(kind).by_name


@every_field
def test_a_field_makes_sense(owned: Resource, field: Field) -> None:
    assert field.type in SQL_TYPES
    assert bool(field.choices) == (field.type == "enum")
    assert not field.choices or field.default in (None, *field.choices)
    assert not (field.required and field.nullable)
    assert not (field.required and field.default is not None)
    assert not field.relation or (field.type == "uuids" and field.ref)
    assert field.hidden or not field.secret


def test_secrets_of_people_are_never_shown() -> None:
    shown = {field.name for field in PERSON.fields if not field.hidden}
    assert not {"password", "jti", "totp_secret", "email_otp_secret", "fido_credentials", "otp_recovery_codes"} & shown
    assert all(field.secret for field in PERSON.fields if field.hidden)


def test_a_full_name_joins_both_names() -> None:
    assert full_name({"first_name": "Mona", "last_name": "Ng"}) == {"full_name": "Mona Ng"}
    assert full_name({"first_name": "Renderbot", "last_name": ""}) == {"full_name": "Renderbot"}


def test_a_share_link_tells_that_it_has_a_password() -> None:
    assert PLAYLIST_SHARE_LINK.render is not None
    assert PLAYLIST_SHARE_LINK.render({"password": "hash"}) == {"has_password": True}
    assert PLAYLIST_SHARE_LINK.render({"password": None}) == {"has_password": False}


@pytest.mark.parametrize(
    ("type_name", "kind", "wire_type", "noun"),
    [
        ("Character", "asset", "Asset", "asset"),
        ("Shot", "shot", "Shot", "shot"),
        ("Episode", "episode", "Episode", "episode"),
        ("ConceptFolder", "concept_folder", "ConceptFolder", "concept-folder"),
    ],
)
def test_the_entity_type_tells_what_an_entity_is(type_name: str, kind: str, wire_type: str, noun: str) -> None:
    assert entity_kind(type_name) == kind
    assert ENTITY.wire_type is not None
    assert ENTITY.wire_type({"kind": kind}) == wire_type
    assert ENTITY.live_name({"kind": kind}) == noun


def test_only_concepts_always_show_their_links() -> None:
    assert ENTITY.render is not None
    assert ENTITY.render({"kind": "concept", "entity_concept_links": ["a"]}) == {"entity_concept_links": ["a"]}
    assert ENTITY.render({"kind": "shot"}) == {}
