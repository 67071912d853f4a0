"""Mails that several processes send: each once."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import orjson
import pytest

from chassis.database import Database
from chassis.messages import THE_SYSTEM, Actor, Request
from chassis.schema import migrate
from chassis.service import Service
from chassis.spec import NoBus
from kiroku.system import specs
from services.auth import mailing
from tests.support.database import drop_database, fresh_database, postgres_server
from tests.support.mailbox import Mailbox, mailbox


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with mailbox() as made:
        yield made


@pytest.fixture
def auth(box: Mailbox) -> Iterator[Service]:
    server = postgres_server()
    url = fresh_database(server, "mailing")
    mail = {"enabled": True, "host": "127.0.0.1", "port": box.port, "security": "", "user": "", "password": "",
            "sender": "studio@example.com"}  # fmt: skip
    told = {"secret": "a secret of at least thirty-two bytes", "domain": "http://studio.example.com", "mail": mail}
    service = Service(specs()["auth"], Database(url, commit="off"), NoBus(), told)
    migrate(service)
    yield service
    service.database.close()
    drop_database(server, url)


def asked_for(auth: Service) -> str:
    """Return the address of a new person who has asked for a new password."""
    email = f"{uuid4().hex[:8]}@example.com"
    admin = Actor(person_id=str(uuid4()), role="admin", identity="person")
    body = {"first_name": "Ana", "last_name": "Lima", "email": email, "password": "a long password"}
    made = auth.call(Request("auth.create_person", body=body, actor=admin))
    assert orjson.loads(made.read())["email"] == email
    auth.call(Request("auth.request_reset", body={"email": email}, actor=THE_SYSTEM))
    return email


def test_a_mail_that_another_process_sent_after_it_was_found_is_not_sent_again(
    auth: Service, box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    email, claimed = asked_for(auth), mailing.claimed

    def claimed_by_another_first(cursor: Any, key: str) -> bool:
        monkeypatch.setattr(mailing, "claimed", claimed)
        assert mailing.send_next(auth)
        return claimed(cursor, key)

    monkeypatch.setattr(mailing, "claimed", claimed_by_another_first)
    assert not mailing.send_next(auth)
    box.newest(email)
    assert [mail["To"] for mail in box.mails] == [email]
