"""Mails, plain text, by SMTP."""

import smtplib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Any

SECONDS = 20.0


@dataclass(frozen=True)
class Mail:
    """One mail to one address."""

    to: str
    subject: str
    text: str


class MailFailed(Exception):
    """The mail was not taken; the text says why. It may be tried again."""


def send_mail(mail: Mail, server: Mapping[str, Any]) -> None:
    """Give `mail` to the SMTP `server` {host, port, security, user, password, sender}. Raises MailFailed."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = server["sender"], mail.to, mail.subject
    message["Date"], message["Message-ID"] = formatdate(), make_msgid(domain=server["sender"].rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text)
    try:
        with _connect(server) as smtp:
            if server["user"]:
                smtp.login(server["user"], server["password"])
            smtp.send_message(message)
    except (OSError, smtplib.SMTPException, ValueError) as problem:
        raise MailFailed(str(problem)) from problem


def _connect(server: Mapping[str, Any]) -> smtplib.SMTP:
    host, port, security = server["host"], server["port"], server["security"]
    if security == "tls":
        return smtplib.SMTP_SSL(host, port, timeout=SECONDS, context=ssl.create_default_context())
    smtp = smtplib.SMTP(host, port, timeout=SECONDS)
    if security == "starttls":
        try:
            smtp.starttls(context=ssl.create_default_context())
        except BaseException:
            smtp.close()
            raise
    return smtp
