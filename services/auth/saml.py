"""SAML 2.0 as a service provider: signed requests, answers that are checked before anything in them is believed.

Knows pysaml2 (which runs the program xmlsec1) and no records. `told` are the settings {metadata_url, domain,
entity_id, key_file, cert_file}.
"""

import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import requests
from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT
from saml2.client import Saml2Client
from saml2.config import SPConfig
from saml2.metadata import entity_descriptor
from saml2.saml import NAMEID_FORMAT_TRANSIENT
from saml2.xmldsig import DIGEST_SHA256, SIG_RSA_SHA256

from chassis.errors import Unavailable
from services.auth.saml_requests import is_own_request, new_request_id

logger = logging.getLogger(__name__)
METADATA_SECONDS, FAILED_SECONDS = 3600.0, 10.0
SKEW_SECONDS = 60
LARGEST = 1024 * 1024
EMAIL = {"email", "mail", "emailaddress"}
FIRST_NAME = {"givenname", "firstname", "first_name", "given_name"}
LAST_NAME = {"sn", "surname", "lastname", "last_name", "family_name"}


class SamlRefused(Exception):
    """The answer is not to be believed; the text says why, for the log and not for who sent it."""


@dataclass(frozen=True)
class Identity:
    """Who the provider says has signed in. `subject` is None where the provider makes a new name every time.

    `until` is when nobody believes the assertion any more: until then it must not be taken a second time.
    """

    issuer: str
    subject: str | None
    email: str | None
    first_name: str
    last_name: str
    assertion_id: str
    until: datetime


def sign_in_url(told: Mapping[str, Any], secret: str, relay_state: str) -> str:
    """Return the provider's address with a signed request. Raises Unavailable."""
    client = _client(told)
    try:
        _, info = client.prepare_for_authenticate(
            relay_state=relay_state, binding=BINDING_HTTP_REDIRECT, sign=True, sigalg=SIG_RSA_SHA256,
            message_id=new_request_id(secret),
        )  # fmt: skip
    except Exception as problem:
        logger.warning("the identity provider's metadata cannot be used: %s", problem)
        raise Unavailable("The identity provider's metadata names no place to sign in by redirect.") from problem
    return str(dict(info["headers"])["Location"])


def metadata_of(told: Mapping[str, Any]) -> bytes:
    """Return our own metadata, with which an identity provider learns to know us."""
    text = str(entity_descriptor(_config(told)))
    return text.encode()


class _OwnRequests(dict[str, str]):
    """Looks to pysaml2 like a table of all requests under way."""

    def __init__(self, secret: str) -> None:
        super().__init__()
        self._secret = secret

    def __bool__(self) -> bool:
        return True

    def __contains__(self, id_: object) -> bool:
        return is_own_request(self._secret, id_)

    def __getitem__(self, id_: str) -> str:
        if id_ not in self:
            raise KeyError(id_)
        return id_


def read_answer(told: Mapping[str, Any], secret: str, text: str) -> Identity:
    """Return whom the base64 `text` of a SAMLResponse names. Raises SamlRefused, and Unavailable without metadata."""
    if len(text) > LARGEST:
        raise SamlRefused("the answer is too large")
    client = _client(told)
    try:
        answer = client.parse_authn_request_response(text, BINDING_HTTP_POST, outstanding=_OwnRequests(secret))
    except Exception as problem:
        # pysaml2 and the programs below raise what they like, even plain Exception, for what is wrong with an answer.
        raise SamlRefused(f"{type(problem).__name__}: {problem}") from problem
    if answer is None or answer.assertion is None:
        raise SamlRefused("the answer holds no assertion for us")
    _check(told, answer)
    return _identity(answer)


def _check(told: Mapping[str, Any], answer: Any) -> None:
    """Check what pysaml2 leaves open. Raises SamlRefused."""
    if len(answer.assertions) != 1:
        raise SamlRefused(f"there are {len(answer.assertions)} assertions")
    if answer.response.destination and answer.response.destination != consumer_address(told):
        raise SamlRefused("the answer was sent to another address")
    assertion = answer.assertion
    issuers = {each.text.strip() for each in (answer.response.issuer, assertion.issuer) if each is not None}
    if len(issuers) != 1:
        raise SamlRefused("answer and assertion are of different providers")
    conditions = assertion.conditions
    if conditions is None or not conditions.audience_restriction or not conditions.not_on_or_after:
        raise SamlRefused("the assertion does not say for whom or until when it is")


def _identity(answer: Any) -> Identity:
    assertion, name = answer.assertion, answer.name_id
    ava = {str(k).rpartition("/")[2].lower(): [str(v) for v in values] for k, values in (answer.ava or {}).items()}
    lasting = name is not None and name.text and name.format != NAMEID_FORMAT_TRANSIENT
    subject = name.text.strip() if lasting else None
    email = _attribute(ava, EMAIL) or (subject if subject and "@" in subject else None)
    until = datetime.fromisoformat(assertion.conditions.not_on_or_after)
    return Identity(
        issuer=assertion.issuer.text.strip(),
        subject=subject,
        email=email.lower() if email else None,
        first_name=_attribute(ava, FIRST_NAME),
        last_name=_attribute(ava, LAST_NAME),
        assertion_id=assertion.id,
        until=(until if until.tzinfo else until.replace(tzinfo=UTC)) + timedelta(seconds=2 * SKEW_SECONDS),
    )


def _attribute(ava: Mapping[str, list[str]], names: set[str]) -> str:
    found = [value.strip() for name, values in ava.items() if name in names for value in values if value.strip()]
    return found[0] if found else ""


def consumer_address(told: Mapping[str, Any]) -> str:
    """Return where the provider sends its answers."""
    return f"{told['domain']}/api/auth/saml/sso"


def _client(told: Mapping[str, Any]) -> Saml2Client:
    # A client remembers everybody it has seen, so each request gets its own.
    return Saml2Client(config=PROVIDERS.config(told))


class _Providers:
    """The configuration with the provider's metadata, fetched anew every hour; the old one serves while that fails."""

    def __init__(self) -> None:
        self._kept: dict[tuple[Any, ...], tuple[float, SPConfig | None, str]] = {}
        self._lock = threading.Lock()

    def config(self, told: Mapping[str, Any]) -> SPConfig:
        """Return it. Raises Unavailable while the provider has never answered, and asks it every ten seconds."""
        key = tuple(sorted(told.items()))
        with self._lock:
            until, config, problem = self._kept.get(key, (0.0, None, ""))
            if until <= time.monotonic():
                config, problem = self._renewed(told, config)
                wait = FAILED_SECONDS if problem else METADATA_SECONDS
                self._kept[key] = (time.monotonic() + wait, config, problem)
        if config is None:
            raise Unavailable(f"The identity provider's metadata cannot be read: {problem}")
        return config

    def _renewed(self, told: Mapping[str, Any], old: SPConfig | None) -> tuple[SPConfig | None, str]:
        try:
            return _config(told, _fetched(told["metadata_url"])), ""
        except Exception as problem:
            # What is wrong with somebody else's server or file is told to who signs in, and does not end this process.
            logger.warning("the identity provider's metadata cannot be read: %s", problem)
            return old, type(problem).__name__


PROVIDERS = _Providers()


def _fetched(address: str) -> str:
    parts = urlsplit(address)
    if parts.scheme in ("http", "https"):
        reply = requests.get(address, timeout=15)
        reply.raise_for_status()
        return reply.text
    return Path(url2pathname(parts.path) if parts.scheme == "file" else address).read_text()


def _config(told: Mapping[str, Any], provider: str | None = None) -> SPConfig:
    pair = {"key_file": told["key_file"], "cert_file": told["cert_file"]}
    settings: dict[str, Any] = {
        "entityid": told["entity_id"],
        "service": {
            "sp": {
                "name": "Kiroku",
                "endpoints": {"assertion_consumer_service": [(consumer_address(told), BINDING_HTTP_POST)]},
                "authn_requests_signed": True,
                "want_response_signed": False,
                "want_assertions_signed": False,
                "want_assertions_or_response_signed": True,
                "allow_unsolicited": False,
            }
        },
        **pair,
        "encryption_keypairs": [pair],
        "signing_algorithm": SIG_RSA_SHA256,
        "digest_algorithm": DIGEST_SHA256,
        "accepted_time_diff": SKEW_SECONDS,
        "allow_unknown_attributes": True,
        "only_use_keys_in_metadata": True,
    }
    if provider is not None:
        settings["metadata"] = {"inline": [provider]}
    config = SPConfig()
    config.load(settings)
    return config
