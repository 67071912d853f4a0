"""Mails of the auth service: a worker sends what `one_time` has issued, again and again until the code is outworn."""

import logging
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import orjson

from chassis.binding import Id
from chassis.mail import Mail, MailFailed, send_mail
from chassis.messages import THE_SYSTEM, Request
from chassis.operations import command, query
from chassis.policy import nobody
from chassis.resources import Record, wire_datetime
from chassis.service import Service
from chassis.unit import Unit
from chassis.workers import Worker, claimed, release
from services.auth.one_time import EMAIL_OTP, INVITATION, digits_of, token_of

logger = logging.getLogger(__name__)
FIRST_WAIT, LONGEST_WAIT = 5, 600
IS_DUE = "mailed_at IS NULL AND expires_at > now() AND (next_try_at IS NULL OR next_try_at <= now())"
DUE = f"SELECT id FROM one_time_code WHERE {IS_DUE} ORDER BY created_at LIMIT 10"
STILL_DUE = f"SELECT 1 FROM one_time_code WHERE id = %s AND {IS_DUE}"
RESET_TEXT = """Hello {name},

somebody, probably you, asked for a new password at {studio}. Set it here within two hours:

{link}

If it was not you, do nothing: your password stays as it is.
"""
INVITATION_TEXT = """Hello {name},

you are invited to {studio}. Choose a password within seven days:

{link}

Then sign in as {email} at {domain}
"""
CODE_TEXT = """Hello {name},

your code for {studio} is

{code}

It is valid for five minutes. If you did not ask for it, somebody may know your password: change it.
"""


def mail_is_on(unit: Unit) -> bool:
    """Tell whether this server sends mails."""
    return bool((unit.setting("mail") or {}).get("enabled"))


def link_of(unit: Unit, person: Record, code: Record) -> str:
    """Return the address in the web application where `person` sets a password with `code`."""
    words = urlencode({"email": person["email"], "token": token_of(unit, code)})
    return f"{unit.setting('domain', '')}/reset-change-password?{words}"


@query(allow=nobody)
def compose_mail(unit: Unit, code_id: Id) -> dict[str, Any]:
    """Return {to, subject, text} of the mail that carries a code. Raises NotFound."""
    code = unit.need("one_time_code", code_id)
    person = unit.need("person", code["person_id"])
    organisation = unit.first("organisation", order="t.created_at")
    facts = {
        "name": person["first_name"],
        "email": person["email"],
        "studio": organisation["name"] if organisation else "Kitsu",
        "domain": unit.setting("domain", ""),
    }
    if code["purpose"] == EMAIL_OTP:
        subject, text = "Your code for {studio}", CODE_TEXT
        facts["code"] = digits_of(unit, code)
    else:
        invited = code["purpose"] == INVITATION
        subject = "Welcome to {studio}" if invited else "A new password for {studio}"
        text = INVITATION_TEXT if invited else RESET_TEXT
        facts["link"] = link_of(unit, person, code)
    line = " ".join(subject.format(**facts).split())
    return {"to": person["email"], "subject": line, "text": text.format(**facts)}


@command(allow=nobody)
def note_mail(unit: Unit, code_id: Id, *, sent: bool) -> None:
    """Note that a mail was taken by the mail server, or that it was not and is tried again later."""
    code = unit.get("one_time_code", code_id)
    if code is None:
        return
    if sent:
        unit.update(code, {"mailed_at": wire_datetime(unit.now)}, live=[])
        return
    tries = code.get("tries", 0) + 1
    wait = timedelta(seconds=min(LONGEST_WAIT, FIRST_WAIT * 2 ** (tries - 1)))
    unit.update(code, {"tries": tries, "next_try_at": wire_datetime(unit.now + wait)}, live=[])


def send_next(service: Service) -> bool:
    """Send one mail that is due; tell whether there was one."""
    server = service.settings.get("mail") or {}
    if not server.get("enabled"):
        return False
    for (id_,) in service.database.run(DUE):
        with service.database.connection() as connection, connection.cursor() as cursor:
            if not claimed(cursor, f"one_time_code {id_}"):
                continue
            try:
                # Another process may have sent it since it was found.
                cursor.execute(STILL_DUE, (id_,))
                if cursor.fetchone():
                    return _send(service, str(id_), server)
            finally:
                release(cursor, f"one_time_code {id_}")
    return False


def _send(service: Service, id_: str, server: dict[str, Any]) -> bool:
    path = {"code_id": id_}
    mail = orjson.loads(service.call(Request("auth.compose_mail", path, actor=THE_SYSTEM)).read())
    try:
        send_mail(Mail(**mail), server)
        sent = True
    except MailFailed as problem:
        logger.warning("a mail could not be sent and is tried again: %s", problem)
        sent = False
    service.call(Request("auth.note_mail", path, body={"sent": sent}, actor=THE_SYSTEM))
    return True


MAIL = Worker("mail", send_next)
