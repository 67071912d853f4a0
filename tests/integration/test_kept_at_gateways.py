"""Answers that gateways keep: whatever is told late, twice in another order or never, clients see what they wrote."""

import time
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chassis import sql
from chassis.at_once import NotAtOnce, at_once
from chassis.database import Database
from chassis.errors import DomainError
from chassis.moves import slot_of
from chassis.schema import migrate
from chassis.service import Service
from chassis.spec import NoBus
from tests.support.database import drop_database, fresh_database, postgres_server
from tests.support.gateways import READER, Client, House, note_of
from tests.support.kernel import library


@pytest.fixture(scope="module")
def services() -> Iterator[tuple[Service, Service]]:
    server = postgres_server()
    with library() as shop:
        url = fresh_database(server, "test_kept_reader")
        reader = Service(READER, Database(url, commit="off"), NoBus())
        migrate(reader)
        yield shop, reader
        reader.database.close()
        drop_database(server, url)


@pytest.fixture
def house(services: tuple[Service, Service]) -> House:
    return House(*services)


def two_books(client: Client) -> tuple[str, str]:
    """Return the ids of the books One and Other, whose slots differ: records in the same one are not told apart."""
    one = other = client.ask("library.create_book", body={"name": "One"})["id"]
    while slot_of(other) == slot_of(one):
        other = client.ask("library.create_book", body={"name": "Other"})["id"]
    return one, other


def test_a_question_asked_again_does_not_leave_the_gateway_until_something_it_read_has_moved(house: House) -> None:
    client = Client(house)
    one, other = two_books(client)
    house.tell_all()
    for _ in range(2):
        client.ask("library.get_book", one)
    before = house.asked
    assert client.ask("library.get_book", one)["name"] == "One"
    assert house.asked == before
    with at_once():
        assert client.ask("library.get_book", one)["name"] == "One"
        with pytest.raises(NotAtOnce):
            client.ask("library.get_book", other)
    assert house.asked == before
    client.ask("library.update_book", other, {"name": "Another"})
    house.tell_all()
    assert client.ask("library.get_book", one)["name"] == "One"
    assert house.asked == before + 1
    for name in ("Two", "Three"):
        client.ask("library.update_book", one, {"name": name})
        house.tell_all()
        assert {client.ask("library.get_book", one)["name"] for _ in range(3)} == {name}


def test_what_was_written_through_another_gateway_is_seen_by_who_wrote_it_before_it_is_told(house: House) -> None:
    client = Client(house)
    book = client.ask("library.create_book", body={"name": "One"})["id"]
    house.tell_all()
    for count in range(1, 4):
        client.gateway = 0
        for _ in range(3):
            client.ask("library.get_book", book)
        client.gateway = 1
        client.ask("library.update_book", book, {"pages": count})
        client.gateway = 0
        assert client.pages("library.get_book", book) == count


def test_what_a_change_leads_to_elsewhere_is_seen_by_who_wrote_it(house: House) -> None:
    client = Client(house)
    book = client.ask("library.create_book", body={"name": "One", "pages": 1})["id"]
    house.tell_all()
    for count in range(2, 5):
        for _ in range(3):
            client.ask("reader.get_note", note_of(book))
        client.ask("library.update_book", book, {"pages": count})
        house.tell_all()
        assert client.pages("reader.get_note", note_of(book)) == count


def test_who_shows_no_position_sees_at_once_what_was_written_through_the_same_gateway(house: House) -> None:
    book = Client(house).ask("library.create_book", body={"name": "One"})["id"]
    for count in range(20):
        Client(house).ask("library.update_book", book, {"pages": count})
        assert [Client(house).pages("library.get_book", book) for _ in range(3)] == [count] * 3
        house.tell_all()
        assert [Client(house).pages("library.get_book", book) for _ in range(3)] == [count] * 3


def test_a_move_that_was_never_told_is_given_up_for_lost_and_answers_are_kept_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Client(house)
    now = 1000.0
    monkeypatch.setattr("gateway.kept.monotonic", lambda: now)
    one, other = two_books(client)
    house.tell_all()

    def asked_three_times() -> int:
        before = house.asked
        assert [client.ask("library.get_book", one)["name"] for _ in range(3)] == ["One"] * 3
        return house.asked - before

    assert asked_three_times() == 1
    client.ask("library.update_book", other, {"pages": 1})
    house.on_the_way.clear()
    client.ask("library.update_book", other, {"pages": 2})
    house.tell_all()
    # What was lost may have been about this book; an answer from after it is as good as ever.
    assert asked_three_times() == 1
    now += 2
    client.ask("library.update_book", other, {"pages": 3})
    house.tell_all()
    assert asked_three_times() == 1
    client.ask("library.update_book", other, {"pages": 4})
    house.tell_all()
    assert asked_three_times() == 0


def test_what_is_older_than_a_moment_is_used_while_somebody_looks_whether_all_was_told(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, known = Client(house), house.knowledge[0]
    now = time.monotonic() + 1000
    for module in ("gateway.kept", "chassis.answers"):
        monkeypatch.setattr(f"{module}.monotonic", lambda: now)
    one, _ = two_books(client)
    house.tell_all()

    def asked() -> int:
        before = house.asked
        assert client.ask("library.get_book", one)["name"] == "One"
        return house.asked - before

    assert asked() == 1
    now += 10
    assert not known.wanted
    assert asked() == 1
    assert known.wanted
    house.look(known)
    now += 2.5
    assert asked() == 0
    now += 1
    assert asked() == 1, "nobody has looked for more than three seconds"


def test_a_last_move_that_was_never_told_is_missed_by_who_looks(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    known, reader, writer = house.knowledge[0], Client(house), Client(house, gateway=1)
    now = time.monotonic() + 1000
    for module in ("gateway.kept", "chassis.answers"):
        monkeypatch.setattr(f"{module}.monotonic", lambda: now)
    book, _ = two_books(reader)
    house.tell_all()
    assert Client(house).pages("library.get_book", book) == 0
    writer.ask("library.update_book", book, {"pages": 1})
    house.on_the_way.clear()
    assert Client(house).pages("library.get_book", book) == 0, "it may be on its way"
    for _ in range(2):
        now += 2.5
        house.look(known)
    assert Client(house).pages("library.get_book", book) == 1
    before = house.asked
    now += 2.5
    house.look(known)
    assert Client(house).pages("library.get_book", book) == 1
    assert house.asked == before


def test_rows_that_were_mended_without_an_event_are_asked_for_again_once_somebody_has_looked(house: House) -> None:
    client = Client(house)
    book, _ = two_books(client)
    house.tell_all()
    assert client.ask("library.get_book", book)["name"] == "One"
    shop = house.services["library"]
    mend = "UPDATE book SET doc = replace(doc, 'One', 'Mended') WHERE id = %s"
    shop.database.run(mend, (book,))
    shop.database.run(sql.MOVE_ALL_ON)
    assert client.ask("library.get_book", book)["name"] == "One"
    house.look(house.knowledge[0])
    assert client.ask("library.get_book", book)["name"] == "Mended"
    before = house.asked
    house.look(house.knowledge[0])
    assert client.ask("library.get_book", book)["name"] == "Mended"
    assert house.asked == before


def test_nothing_is_kept_by_a_gateway_that_does_not_know_where_the_logs_are(house: House) -> None:
    client = Client(house)
    book = client.ask("library.create_book", body={"name": "One"})["id"]
    house.tell_all()
    house.knowledge[0].listen()
    for _ in range(3):
        before = house.asked
        client.ask("library.get_book", book)
        assert house.asked == before + 1


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["write", "write", "tell", "tell", "tell all", "lose", "begin", "ask", "ask", "ask", "ask"]),
        st.integers(0, 1),
        st.integers(0, 1),
        st.integers(0, 7),
    ),
    max_size=60,
)


def shown(client: Client, question: int, book: str) -> int:
    """Return the pages of a book as one of four questions shows them."""
    if question == 0:
        return {row["id"]: int(row["pages"]) for row in client.ask("library.list_books")}[book]
    if question == 1:
        return client.pages("reader.get_note", note_of(book))
    return client.pages("library.get_book" if question == 2 else "reader.get_book", book)


@settings(max_examples=60, deadline=None)
@given(steps=STEPS)
def test_whatever_is_told_late_or_never_clients_see_what_they_wrote(
    services: tuple[Service, Service], steps: list[tuple[str, int, int, int]]
) -> None:
    house = House(*services)
    clients = [Client(house), Client(house)]
    books = [clients[0].ask("library.create_book", body={"name": "b", "pages": 1})["id"] for _ in range(2)]
    clients[1].needs = dict(clients[0].needs)
    written = dict.fromkeys(books, 1)
    sure = [dict(written), dict(written)]
    for verb, who, gateway, which in steps:
        client, book = clients[who], books[which % 2]
        client.gateway = gateway
        if verb == "write":
            written[book] += 1
            client.ask("library.update_book", book, {"pages": written[book]})
            # Positions are those of a log: who has seen one of them is to see all before it.
            sure[who] = dict(written)
        elif verb == "ask":
            for _ in range(3):
                assert sure[who][book] <= shown(client, which // 2, book) <= written[book], f"at gateway {gateway}"
        else:
            house.happens(verb, gateway, which)
    house.tell_all()


def test_a_refusal_is_not_kept(house: House) -> None:
    client = Client(house)
    book = client.ask("library.create_book", body={"name": "One"})["id"]
    client.ask("library.delete_book", book)
    house.tell_all()
    for _ in range(3):
        with pytest.raises(DomainError):
            client.ask("library.get_book", book)
