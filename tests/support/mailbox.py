"""A mail server of the tests, which keeps what it is given."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller

WAIT_SECONDS = 20.0


class Mailbox:
    """The mails that came, oldest first."""

    def __init__(self) -> None:
        """Start empty."""
        self.mails: list[EmailMessage] = []
        self.port = 0

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 (aiosmtpd's name)
        """Keep a mail."""
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))  # type: ignore[arg-type]
        return "250 OK"

    def newest(self, to: str, count: int = 1) -> str:
        """Wait until `count` mails have come for `to`; return subject and text of the newest."""
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            found = [mail for mail in list(self.mails) if mail["To"] == to]
            if len(found) >= count:
                return f"{found[-1]['Subject']}\n{found[-1].get_content()}"
            if time.monotonic() > deadline:
                raise AssertionError(f"{len(found)} of {count} mails came for {to}")
            time.sleep(0.05)

    def code(self, to: str, count: int = 1) -> str:
        """Return the six digits of the newest mail."""
        found = re.search(r"^\d{6}$", self.newest(to, count).replace("\r", ""), re.MULTILINE)
        assert found
        return found[0]

    def settings(self) -> dict[str, str]:
        """Return the environment of a server that sends its mails here."""
        return {"KIROKU_MAIL_HOST": "127.0.0.1", "KIROKU_MAIL_PORT": str(self.port)}


@contextmanager
def mailbox(port: int = 0) -> Iterator[Mailbox]:
    """Lend a mail server on `port`, a free one where none is given."""
    from tests.support.server import free_port

    box = Mailbox()
    box.port = port or free_port()
    controller = Controller(box, hostname="127.0.0.1", port=box.port)
    controller.start()
    try:
        yield box
    finally:
        controller.stop()
