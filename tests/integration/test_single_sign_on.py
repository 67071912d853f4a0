"""Signing in with SAML, against pysaml2's identity provider on a web server of its own."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from tests.support.identity_provider import (
    MAYA,
    NAMEID_FORMAT_TRANSIENT,
    Browser,
    IdentityProvider,
    bent,
    identity_provider,
    without_signatures,
    wrapped,
)
from tests.support.server import DISTRIBUTED, EMAIL, PASSWORD, RunningServer, free_port, running_server

pytestmark = pytest.mark.skipif(
    shutil.which("xmlsec1") is None,
    reason="SAML needs the program xmlsec1 (apt-get install xmlsec1), and this machine has none",
)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningServer, IdentityProvider]]:
    with identity_provider(tmp_path_factory.mktemp("idp")) as provider:
        settings = {
            "KIROKU_SAML_ENABLED": "1",
            "KIROKU_SAML_METADATA_URL": f"{provider.url}/metadata",
            "KIROKU_SAML_IDP_NAME": "Studio Login",
        }
        with running_server(**settings) as server:
            provider.tracker = server.url
            yield server, provider


@pytest.fixture
def provider(house: tuple[RunningServer, IdentityProvider]) -> IdentityProvider:
    """The provider, as straight as at first."""
    _, found = house
    fresh = IdentityProvider.__dataclass_fields__
    for name in ("subject", "name_format", "minutes", "audience", "sign"):
        setattr(found, name, fresh[name].default)
    found.person = dict(MAYA)
    return found


@pytest.fixture
def browser(house: tuple[RunningServer, IdentityProvider], provider: IdentityProvider) -> Browser:
    return Browser(house[0].url)


def sign_in(browser: Browser, relay_state: str = "") -> requests.Response:
    return browser.come_back(browser.prove(browser.leave()), relay_state)


def refused(reply: requests.Response, browser: Browser) -> bool:
    assert (reply.status_code, list(reply.json())) == (400, ["error"]), reply.text
    return "access_token_cookie" not in browser.session.cookies


def admin(server: RunningServer) -> requests.Session:
    session = requests.Session()
    body = {"email": EMAIL, "password": PASSWORD}
    token = session.post(f"{server.url}/auth/login", json=body, timeout=20).json()["access_token"]
    session.headers["Authorization"] = f"Bearer {token}"
    return session


def test_the_configuration_names_the_provider(browser: Browser) -> None:
    config = requests.get(f"{browser.tracker}/config", timeout=10).json()
    assert (config["saml_enabled"], config["saml_idp_name"]) == (True, "Studio Login")


def test_the_way_out_is_a_signed_request_that_nobody_caches(browser: Browser, provider: IdentityProvider) -> None:
    reply = requests.get(f"{browser.tracker}/auth/saml/login", allow_redirects=False, timeout=10)
    assert reply.headers["Location"].startswith(f"{provider.url}/sso?SAMLRequest=")
    assert {"SAMLRequest", "SigAlg", "Signature"} <= set(parse_qs(urlsplit(reply.headers["Location"]).query))
    assert "no-store" in reply.headers["Cache-Control"]
    assert reply.headers["Content-Type"].startswith("text/html")
    assert "Redirecting" in reply.text


def test_the_first_sign_in_makes_a_person_and_the_second_finds_it(browser: Browser) -> None:
    reply = sign_in(browser)
    assert (reply.status_code, reply.headers["Location"]) == (302, f"{browser.tracker}/")
    me = browser.me()
    assert (me["email"], me["full_name"], me["role"]) == ("maya@studio.com", "Maya Oda", "user")
    cookies = {cookie.name: cookie for cookie in browser.session.cookies}
    assert cookies["refresh_token_cookie"].path == "/api/auth/refresh-token"
    assert cookies["access_token_cookie"].has_nonstandard_attr("HttpOnly")
    again = Browser(browser.tracker)
    sign_in(again)
    assert again.me()["id"] == me["id"]


def test_a_person_with_the_same_e_mail_is_found_and_stays_bound_to_the_subject(
    house: tuple[RunningServer, IdentityProvider], browser: Browser, provider: IdentityProvider
) -> None:
    body = {"first_name": "Ken", "last_name": "Ito", "email": "ken@studio.com", "role": "manager"}
    ken = admin(house[0]).post(f"{browser.tracker}/data/persons", json=body, timeout=10).json()
    provider.person, provider.subject = {"mail": "KEN@studio.com", "givenName": "K", "sn": "I"}, "ken-1"
    sign_in(browser)
    assert (browser.me()["id"], browser.me()["role"]) == (ken["id"], "manager")
    provider.person = {"mail": "ken.ito@studio.com"}
    renamed = Browser(browser.tracker)
    sign_in(renamed)
    assert renamed.me()["id"] == ken["id"]
    provider.person, provider.subject = {"mail": "ken@studio.com"}, "somebody-else"
    stranger = Browser(browser.tracker)
    assert refused(sign_in(stranger), stranger)


def test_a_provider_that_makes_a_new_name_every_time_is_matched_by_e_mail(
    browser: Browser, provider: IdentityProvider
) -> None:
    provider.person, provider.name_format = {"mail": "ivy@studio.com"}, NAMEID_FORMAT_TRANSIENT
    found = set()
    for subject in ("t-1", "t-2"):
        provider.subject = subject
        each = Browser(browser.tracker)
        sign_in(each)
        found.add(each.me()["id"])
    assert len(found) == 1


def test_an_inactive_person_is_refused(
    house: tuple[RunningServer, IdentityProvider], browser: Browser, provider: IdentityProvider
) -> None:
    body = {"first_name": "Old", "last_name": "Hand", "email": "old@studio.com", "active": False}
    assert admin(house[0]).post(f"{browser.tracker}/data/persons", json=body, timeout=10).status_code == 201
    provider.person, provider.subject = {"mail": "old@studio.com"}, "old-1"
    assert refused(sign_in(browser), browser)


def test_an_assertion_is_taken_once(browser: Browser) -> None:
    answer = browser.prove(browser.leave())
    assert Browser(browser.tracker).come_back(answer).status_code == 302
    assert refused(browser.come_back(answer), browser)


def reason(house: tuple[RunningServer, IdentityProvider]) -> str:
    """Return why the server refused the last answer, as it tells its log and nobody else."""
    lines = (house[0].home / "server.log").read_text().splitlines()
    return next(line for line in reversed(lines) if "a SAML answer was refused" in line)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda xml: xml.replace(MAYA["mail"], EMAIL), "Failed to verify signature"),
        (without_signatures, "Neither the response nor the assertions are signed"),
        (wrapped("beside", EMAIL), "Invalid number of assertions"),
        (wrapped("inside", EMAIL), "Neither the response nor the assertions are signed"),
        (wrapped("above", EMAIL), "Neither the response nor the assertions are signed"),
        (lambda xml: "<not-saml/>", "Unknown response type"),
        (lambda xml: xml[: len(xml) // 2], "ParseError"),
    ],
    ids=["another person", "no signature", "beside", "inside", "above", "not SAML", "cut off"],
)
def test_an_answer_that_was_tampered_with_is_refused(house: Any, browser: Browser, change: Any, why: str) -> None:
    assert refused(browser.come_back(bent(browser.prove(browser.leave()), change)), browser)
    assert why in reason(house)


def test_an_answer_of_another_key_is_refused(browser: Browser, provider: IdentityProvider, tmp_path: Path) -> None:
    forger = IdentityProvider(tmp_path, url=provider.url, tracker=provider.tracker)
    query = parse_qs(urlsplit(browser.leave()).query)
    assert refused(browser.come_back(forger.answer(query)), browser)


@pytest.mark.parametrize(
    ("bend", "why"),
    [
        ({"sign": False}, "Neither the response nor the assertions are signed"),
        ({"minutes": -10}, "too old"),
        ({"audience": "https://another-tracker.test"}, "AudienceRestrictions"),
    ],
    ids=["unsigned", "expired", "for somebody else"],
)
def test_an_assertion_that_is_not_for_us_and_now_is_refused(
    house: Any, browser: Browser, provider: IdentityProvider, bend: dict[str, Any], why: str
) -> None:
    for name, value in bend.items():
        setattr(provider, name, value)
    assert refused(sign_in(browser), browser)
    assert why in reason(house)


def test_an_answer_to_a_request_that_was_not_ours_is_refused(
    house: Any, browser: Browser, provider: IdentityProvider
) -> None:
    settings = {"KIROKU_SAML_ENABLED": "1", "KIROKU_SAML_METADATA_URL": f"{provider.url}/metadata"}
    # Another house that goes by our name: what it asked for has its seal and not ours.
    with running_server(KIROKU_DOMAIN=browser.tracker, **settings) as other:
        provider.tracker = other.url
        answer = browser.prove(Browser(other.url).leave())
        provider.tracker = browser.tracker
    assert refused(browser.come_back(answer), browser)
    assert "UnsolicitedResponse" in reason(house)


@pytest.mark.parametrize(
    ("wanted", "reached"),
    [
        ("/my-tasks?x=1", "/my-tasks?x=1"),
        ("https://evil.test/", "/"),
        ("//evil.test/", "/"),
        ("/\\evil.test", "/"),
        ("javascript:alert(1)", "/"),
    ],
)
def test_the_relay_state_leads_to_our_own_pages_alone(browser: Browser, wanted: str, reached: str) -> None:
    assert sign_in(browser, wanted).headers["Location"] == f"{browser.tracker}{reached}"


def test_where_to_go_afterwards_travels_by_way_of_the_provider(browser: Browser, provider: IdentityProvider) -> None:
    browser.prove(browser.leave(relay_state="/my-tasks"))
    assert provider.seen[-1]["RelayState"] == ["/my-tasks"]
    browser.prove(browser.leave(relay_state="https://evil.test"))
    assert "RelayState" not in provider.seen[-1]


def test_an_empty_answer_is_refused(browser: Browser) -> None:
    assert browser.come_back("").json() == {"error": "SAMLResponse is missing."}


def test_without_the_provider_everything_but_saml_works(tmp_path: Path) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}/metadata"
    with running_server(KIROKU_SAML_ENABLED="1", KIROKU_SAML_METADATA_URL=nowhere) as server:
        assert requests.get(f"{server.url}/auth/saml/login", allow_redirects=False, timeout=20).status_code == 503
        assert admin(server).get(f"{server.url}/auth/authenticated", timeout=10).status_code == 200


@pytest.mark.distributed
def test_processes_over_a_broker_sign_in_alike(tmp_path: Path) -> None:
    with identity_provider(tmp_path) as provider:
        metadata = tmp_path / "idp.xml"
        metadata.write_bytes(provider.metadata())
        settings = {"KIROKU_SAML_ENABLED": "1", "KIROKU_SAML_METADATA_URL": str(metadata)}
        with running_server(DISTRIBUTED, **settings) as server:
            provider.tracker = server.url
            browser = Browser(server.url)
            answer = browser.prove(browser.leave())
            assert browser.come_back(answer).status_code == 302
            assert browser.me()["email"] == MAYA["mail"]
            assert refused(browser.come_back(answer), Browser(server.url))
