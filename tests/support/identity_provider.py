"""A SAML identity provider of the tests: pysaml2's own, behind a small web server, with a key of its own."""

import base64
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import parse_qs, urlsplit

import requests
from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT
from saml2.authn_context import PASSWORDPROTECTEDTRANSPORT
from saml2.config import IdPConfig
from saml2.metadata import entity_descriptor
from saml2.saml import NAME_FORMAT_URI, NAMEID_FORMAT_PERSISTENT, NAMEID_FORMAT_TRANSIENT, NameID
from saml2.server import Server
from saml2.xmldsig import DIGEST_SHA256, SIG_RSA_SHA256

from kiroku.sign_in import write_pair

BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64)"}
MAYA = {"mail": "maya@studio.com", "givenName": "Maya", "sn": "Oda"}


@dataclass
class IdentityProvider:
    """Signs in one person at a time: `person` with `subject`; the other fields bend what it answers."""

    folder: Path
    url: str = ""
    person: dict[str, str] = field(default_factory=lambda: dict(MAYA))
    subject: str = "maya-1"
    name_format: str = NAMEID_FORMAT_PERSISTENT
    minutes: int = 5
    audience: str = ""
    sign: bool = True
    tracker: str = ""
    seen: list[dict[str, list[str]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Make its key."""
        write_pair(self.folder, "https://idp.test")

    def config(self, **more: Any) -> IdPConfig:
        """Return how pysaml2 is to behave."""
        pair = {"key_file": str(self.folder / "key.pem"), "cert_file": str(self.folder / "cert.pem")}
        endpoint = [(f"{self.url}/sso", BINDING_HTTP_REDIRECT)]
        idp = {
            "endpoints": {"single_sign_on_service": endpoint},
            "policy": {"default": {"lifetime": {"minutes": self.minutes}, "name_form": NAME_FORMAT_URI}},
            "want_authn_requests_signed": True,
            "name_id_format": [self.name_format],
        }
        config = IdPConfig()
        config.load({"entityid": f"{self.url}/metadata", "service": {"idp": idp}, **pair, **more})
        return config

    def metadata(self) -> bytes:
        """Return what a service provider must know."""
        return str(entity_descriptor(self.config())).encode()

    def answer(self, query: dict[str, list[str]]) -> str:
        """Return the base64 SAMLResponse to a signed request. Raises when the request is not signed as it should be."""
        self.seen.append(query)
        known = requests.get(f"{self.tracker}/api/auth/saml/metadata", timeout=10).text
        server = Server(config=self.config(metadata={"inline": [known]}))
        asked = server.parse_authn_request(
            query["SAMLRequest"][0], BINDING_HTTP_REDIRECT, relay_state=query.get("RelayState", [""])[0] or None,
            sigalg=query["SigAlg"][0], signature=query["Signature"][0],
        )  # fmt: skip
        told = server.response_args(asked.message, [BINDING_HTTP_POST])
        sp = self.audience or told["sp_entity_id"]
        with patch("saml2.assertion.instant", lambda: minutes_from_now(min(0, self.minutes - 5))):
            made = server.create_authn_response(
                self.person, told["in_response_to"], told["destination"], sp, sign_response=False,
                name_id=NameID(format=self.name_format, text=self.subject), sign_assertion=self.sign,
                authn={"class_ref": PASSWORDPROTECTEDTRANSPORT}, sign_alg=SIG_RSA_SHA256, digest_alg=DIGEST_SHA256,
            )  # fmt: skip
        return base64.b64encode(str(made).encode()).decode()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        provider: IdentityProvider = self.server.provider  # type: ignore[attr-defined]
        parts = urlsplit(self.path)
        try:
            body = provider.metadata() if parts.path == "/metadata" else provider.answer(parse_qs(parts.query)).encode()
            self.send_response(200)
        except Exception as problem:
            body = f"{type(problem).__name__}: {problem}".encode()
            self.send_response(400)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def identity_provider(folder: Path) -> Iterator[IdentityProvider]:
    """Lend a running provider."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    provider = IdentityProvider(folder, url=f"http://127.0.0.1:{server.server_port}")
    server.provider = provider  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


@dataclass
class Browser:
    """A person's browser at the tracker: keeps cookies, follows no redirect by itself."""

    tracker: str
    session: requests.Session = field(default_factory=requests.Session)

    def leave(self, **query: str) -> str:
        """Ask to sign in; return the provider's address."""
        reply = self.session.get(
            f"{self.tracker}/api/auth/saml/login", params=query, headers=BROWSER, allow_redirects=False, timeout=20
        )
        assert reply.status_code == 302, reply.text
        return str(reply.headers["Location"])

    def prove(self, address: str) -> str:
        """Sign in at the provider; return its SAMLResponse."""
        reply = requests.get(address, timeout=20)
        assert reply.status_code == 200, reply.text
        return reply.text

    def come_back(self, answer: str, relay_state: str = "") -> requests.Response:
        """Post the answer as the provider's page does."""
        form = {"SAMLResponse": answer, **({"RelayState": relay_state} if relay_state else {})}
        address = f"{self.tracker}/api/auth/saml/sso"
        return self.session.post(address, data=form, headers=BROWSER, allow_redirects=False, timeout=20)

    def me(self) -> dict[str, Any]:
        """Return the person whose cookies these are."""
        reply = self.session.get(f"{self.tracker}/api/auth/authenticated", headers=BROWSER, timeout=20)
        assert reply.status_code == 200, reply.text
        found: dict[str, Any] = reply.json()["user"]
        return found


def bent(answer: str, change: Any) -> str:
    """Return an answer whose XML went through `change`."""
    return base64.b64encode(change(base64.b64decode(answer).decode()).encode()).decode()


def without_signatures(xml: str) -> str:
    """Return XML without its signatures."""
    return re.sub(r"<(\w+):Signature .*?</\1:Signature>|<(\w+):Signature>.*?</\2:Signature>", "", xml, flags=re.DOTALL)


def wrapped(place: str, email: str) -> Callable[[str], str]:
    """Return the change that puts a forged assertion about `email` first, and the signed one at `place`."""

    def change(xml: str) -> str:
        found = re.search(r"<ns1:Assertion .*</ns1:Assertion>", xml, re.DOTALL)
        assert found
        signed = found[0]
        forged = without_signatures(signed).replace(MAYA["mail"], email).replace(' ID="', ' ID="forged-', 1)
        if place == "beside":
            both = forged + signed
        elif place == "inside":
            both = forged.replace("<ns1:AuthnStatement", f"<ns1:Advice>{signed}</ns1:Advice><ns1:AuthnStatement", 1)
        else:
            status = "<ns0:Status>"
            xml, both = xml.replace(status, f"<ns0:Extensions>{signed}</ns0:Extensions>{status}", 1), forged
            head, _, tail = xml.rpartition(signed)
            return head + both + tail
        return xml.replace(signed, both)

    return change


def minutes_from_now(minutes: int) -> str:
    """Return a time as SAML writes it."""
    return (datetime.now(UTC) + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")


__all__ = ["MAYA", "NAMEID_FORMAT_TRANSIENT", "Browser", "IdentityProvider", "bent", "identity_provider", "wrapped"]
