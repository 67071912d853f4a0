"""Accounts as their owners and admins mend them: resets, invitations, second factors, the limit of tries."""

import re
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pyotp
import pytest
import requests

from tests.support.mailbox import Mailbox, mailbox
from tests.support.server import EMAIL, PASSWORD, RunningServer, running_server

OLD, NEW = "the old password", "a new password"


class House:
    """A running server with a mailbox, and calls as somebody."""

    def __init__(self, server: RunningServer, box: Mailbox) -> None:
        self.server, self.box = server, box
        self.admin = self.sign_in(EMAIL, PASSWORD).json()["access_token"]

    def call(self, method: str, path: str, token: str | None = None, **more: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return requests.request(method, f"{self.server.url}{path}", headers=headers, timeout=20, **more)

    def sign_in(self, email: str, password: str = OLD, **factor: str) -> requests.Response:
        return self.call("POST", "/auth/login", json={"email": email, "password": password, **factor})

    def person(self, **fields: Any) -> dict[str, Any]:
        email = f"{uuid4().hex[:8]}@studio.com"
        body = {"first_name": "Ana", "last_name": "Lima", "email": email, "password": OLD, **fields}
        reply = self.call("POST", "/data/persons", self.admin, json=body)
        assert reply.status_code == 201, reply.text
        found: dict[str, Any] = reply.json()
        return found

    def reset(self, email: str, token: str, password: str = NEW, again: str | None = None) -> requests.Response:
        body = {"email": email, "token": token, "password": password, "password2": again or password}
        return self.call("PUT", "/auth/reset-password", json=body)


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with mailbox() as box, running_server(**box.settings(), KIROKU_SIGN_IN_RATE="1000") as server:
        yield House(server, box)


def token_in(text: str) -> str:
    found = re.search(r"https?://\S+/reset-change-password\?\S+", text)
    assert found
    return parse_qs(urlsplit(found[0]).query)["token"][0]


def test_a_forgotten_password_is_replaced_once_by_the_mailed_link(house: House) -> None:
    email = house.person()["email"]
    assert house.call("POST", "/auth/reset-password", json={"email": email}).json() == {"success": "Reset token sent"}
    token = token_in(house.box.newest(email))
    assert house.reset(email, token, "short").status_code == 400
    assert house.reset(email, token, again="another one").status_code == 400
    assert house.reset(EMAIL, token).status_code == 400
    assert house.reset(email, token[:-1] + ("0" if token[-1] != "0" else "1")).status_code == 400
    assert house.reset(email, token).json() == {"success": True}
    assert house.reset(email, token, "yet another one").status_code == 400
    assert house.sign_in(email).status_code == 400
    assert house.sign_in(email, NEW).status_code == 200


def test_asking_for_a_reset_does_not_tell_who_exists(house: House) -> None:
    known, unknown = (
        house.call("POST", "/auth/reset-password", json={"email": email})
        for email in (house.person()["email"], "nobody@studio.com")
    )
    assert (known.status_code, known.content) == (unknown.status_code, unknown.content)


def test_nobodys_mailbox_is_flooded(house: House) -> None:
    email = house.person()["email"]
    for _ in range(8):
        house.call("POST", "/auth/reset-password", json={"email": email})
    house.box.newest(email, 5)
    time.sleep(0.5)
    assert len([mail for mail in house.box.mails if mail["To"] == email]) == 5


def test_an_invited_person_chooses_a_password(house: House) -> None:
    person = house.person(password=None)
    reply = house.call("GET", f"/actions/persons/{person['id']}/invite", house.admin)
    assert reply.json() == {"success": True, "message": "Email sent"}
    assert house.reset(person["email"], token_in(house.box.newest(person["email"]))).status_code == 200
    signed = house.sign_in(person["email"], NEW).json()
    assert house.call("GET", f"/actions/persons/{person['id']}/invite", signed["access_token"]).status_code == 403


def test_bots_are_not_invited(house: House) -> None:
    bot = house.person(is_bot=True, password=None)
    assert house.call("GET", f"/actions/persons/{bot['id']}/invite", house.admin).status_code == 403
    assert house.call("GET", f"/actions/persons/{uuid4()}/invite", house.admin).status_code == 404


def test_an_admin_sets_a_password_and_older_links_are_void(house: House) -> None:
    person = house.person()
    link = house.call("POST", f"/actions/persons/{person['id']}/reset-password-link", house.admin).json()
    path = f"/actions/persons/{person['id']}/change-password"
    assert house.call("POST", path, house.admin, json={"password": NEW, "password_2": "other"}).status_code == 400
    assert house.call("POST", path, house.admin, json={"password": NEW, "password_2": NEW}).json() == {"success": True}
    assert house.sign_in(person["email"], NEW).status_code == 200
    assert house.reset(person["email"], token_in(link["reset_password_link"])).status_code == 400


def test_the_password_default_must_be_replaced_before_the_first_sign_in(house: House) -> None:
    email = house.person(password="default")["email"]
    refused = house.sign_in(email, "default")
    assert (refused.status_code, refused.json()["default_password"]) == (400, True)
    assert house.reset(email, refused.json()["token"]).status_code == 200
    assert house.sign_in(email, NEW).status_code == 200


def with_totp(house: House) -> tuple[str, str, pyotp.TOTP, list[str]]:
    """Return e-mail, token, authenticator and recovery codes of a new person who uses TOTP."""
    email = house.person()["email"]
    token = house.sign_in(email).json()["access_token"]
    prepared = house.call("PUT", "/auth/totp", token).json()
    assert prepared["totp_provisionning_uri"].startswith("otpauth://totp/")
    totp = pyotp.TOTP(prepared["otp_secret"])
    assert house.call("POST", "/auth/totp", token, json={"totp": "000000"}).json()["wrong_OTP"]
    reply = house.call("POST", "/auth/totp", token, json={"totp": totp.now()}).json()
    assert house.call("GET", "/auth/authenticated", reply["access_token"]).json()["user"]["totp_enabled"]
    return email, reply["access_token"], totp, reply["otp_recovery_codes"]


def test_who_uses_totp_signs_in_with_a_fresh_code_alone(house: House) -> None:
    email, token, totp, _ = with_totp(house)
    asked = {"preferred_two_factor_authentication": "totp", "two_factor_authentication_enabled": ["totp"]}
    assert house.sign_in(email).json() == {"login": False, "missing_OTP": True, **asked}
    assert house.sign_in(email, totp="123").json() == {"login": False, "wrong_OTP": True}
    code = totp.now()
    assert house.sign_in(email, totp=code).json()["login"]
    assert house.sign_in(email, totp=code).json() == {"login": False, "wrong_OTP": True}
    assert house.sign_in(email, email_otp="123456").json() == {"login": False, "wrong_OTP": True}
    assert house.call("PUT", "/auth/totp", token).status_code == 400


def test_recovery_codes_are_sixteen_and_work_once(house: House) -> None:
    email, token, totp, codes = with_totp(house)
    assert len(codes) == 16
    assert all(re.fullmatch(r"[A-Z0-9]{10}", code) for code in codes)
    assert house.sign_in(email, recovery_code=codes[0].lower()).status_code == 200
    assert house.sign_in(email, recovery_code=codes[0]).json() == {"login": False, "wrong_OTP": True}
    assert house.call("PUT", "/auth/recovery-codes", token).json()["missing_OTP"]
    fresh = house.call("PUT", "/auth/recovery-codes", token, json={"totp": totp.now()}).json()["otp_recovery_codes"]
    assert not set(codes) & set(fresh)
    assert house.sign_in(email, recovery_code=codes[1]).status_code == 400
    assert house.sign_in(email, recovery_code=fresh[0]).status_code == 200


def test_totp_ends_with_a_valid_factor(house: House) -> None:
    email, token, totp, codes = with_totp(house)
    assert house.call("DELETE", "/auth/totp", token).json()["missing_OTP"]
    assert house.call("DELETE", "/auth/totp", token, json={"totp": "000000"}).json()["wrong_OTP"]
    assert house.call("DELETE", "/auth/totp", token, json={"totp": totp.now()}).json() == {"success": True}
    signed = house.sign_in(email)
    assert (signed.status_code, signed.json()["user"]["preferred_two_factor_authentication"]) == (200, None)
    assert house.call("DELETE", "/auth/totp", token, json={"recovery_code": codes[0]}).status_code == 400


def test_five_wrong_codes_lock_the_account(house: House) -> None:
    email, token, totp, _ = with_totp(house)
    for _ in range(4):
        assert house.call("DELETE", "/auth/totp", token, json={"totp": "000000"}).status_code == 400
    locked = house.sign_in(email, totp=totp.now())
    assert locked.json() == {"login": False, "too_many_failed_login_attemps": True}


def test_mailed_codes_are_a_second_factor(house: House) -> None:
    email = house.person()["email"]
    token = house.sign_in(email).json()["access_token"]
    house.call("GET", "/auth/email-otp", params={"email": email})
    assert house.call("PUT", "/auth/email-otp", token).json() == {"success": True}
    reply = house.call("POST", "/auth/email-otp", token, json={"email_otp": house.box.code(email)}).json()
    assert len(reply["otp_recovery_codes"]) == 16
    assert house.sign_in(email).json()["two_factor_authentication_enabled"] == ["email_otp"]
    assert house.call("GET", "/auth/email-otp", params={"email": email}).json() == {"success": True}
    code = house.box.code(email, 2)
    assert house.sign_in(email, email_otp=code).status_code == 200
    assert house.sign_in(email, email_otp=code).json() == {"login": False, "wrong_OTP": True}
    assert house.call("GET", "/auth/email-otp").status_code == 400
    assert house.call("GET", "/auth/email-otp", params={"email": "nobody@studio.com"}).json() == {"success": True}


def test_a_second_factor_beside_the_first_shows_no_new_recovery_codes(house: House) -> None:
    email, token, totp, codes = with_totp(house)
    house.call("PUT", "/auth/email-otp", token)
    reply = house.call("POST", "/auth/email-otp", token, json={"email_otp": house.box.code(email)}).json()
    assert reply["otp_recovery_codes"] is None
    assert house.call("DELETE", "/auth/totp", token, json={"totp": totp.now()}).status_code == 200
    asked = house.sign_in(email).json()
    assert asked["preferred_two_factor_authentication"] == "email_otp"
    assert house.sign_in(email, recovery_code=codes[3]).status_code == 200


def test_an_admin_takes_lost_factors_away(house: House) -> None:
    email, token, _, _ = with_totp(house)
    me = house.call("GET", "/auth/authenticated", token).json()["user"]
    path = f"/actions/persons/{me['id']}/disable-two-factor-authentication"
    assert house.call("DELETE", path, token).status_code == 403
    assert house.call("DELETE", path, house.admin).json() == {"success": True}
    assert house.call("DELETE", path, house.admin).status_code == 400
    assert house.sign_in(email).status_code == 200


def test_secrets_of_factors_leave_neither_records_nor_history(house: House) -> None:
    _, token, totp, codes = with_totp(house)
    me = house.call("GET", "/auth/authenticated", token)
    seen = me.text + house.call("GET", f"/data/persons/{me.json()['user']['id']}", house.admin).text
    seen += house.call("GET", "/data/events/last", house.admin, params={"limit": 1000}).text
    assert not [secret for secret in (totp.secret, codes[0], OLD) if secret in seen]


def test_mails_wait_for_a_mail_server_that_is_away() -> None:
    with mailbox() as box:
        settings = box.settings()
    with running_server(**settings) as server:
        away = House(server, box)
        email = away.person()["email"]
        away.call("POST", "/auth/reset-password", json={"email": email})
        time.sleep(1)
        with mailbox(int(settings["KIROKU_MAIL_PORT"])) as back:
            assert away.reset(email, token_in(back.newest(email))).status_code == 200


def test_beyond_the_rate_tries_are_told_when_to_come_back() -> None:
    with running_server(KIROKU_SIGN_IN_RATE="10", KIROKU_MAIL_ENABLED="0") as server:
        url = f"{server.url}/auth/login"
        replies = [
            requests.post(url, json={"email": f"{n}@studio.com", "password": "x"}, timeout=20) for n in range(11)
        ]
        assert [reply.status_code for reply in replies] == [400] * 10 + [429]
        assert 1 <= int(replies[-1].headers["Retry-After"]) <= 61
        assert replies[-1].json()["error"] is True
        house_next_door = {"X-Forwarded-For": "203.0.113.9"}
        right = {"email": EMAIL, "password": PASSWORD}
        assert requests.post(url, json=right, headers=house_next_door, timeout=20).status_code == 200
