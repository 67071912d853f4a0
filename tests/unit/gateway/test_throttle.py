"""The limit of sign-in tries, and whose tries they are."""

from typing import Any

import falcon.testing
import pytest

from chassis.errors import Invalid, TooManyRequests
from chassis.messages import Reply, Request
from gateway.throttle import SignInLimit


class Door:
    """A bus that lets in, turns away by an answer, or by an error."""

    def __init__(self, status: int) -> None:
        self.status = status

    def call(self, request: Request) -> Reply:
        if self.status == 0:
            raise Invalid("no")
        return Reply(self.status)


def knock(limit: SignInLimit, email: str = "a@b.c", address: str = "198.51.100.1", status: int = 400) -> int:
    """Return the status of one try."""
    request = Request("auth.login", body={"email": email}, headers={"ip": address})
    try:
        return limit.call(Door(status), request).status
    except (TooManyRequests, Invalid) as refusal:
        return refusal.status


@pytest.mark.parametrize("status", [400, 0])
def test_wrong_tries_of_one_address_are_limited_whatever_the_e_mail(status: int) -> None:
    limit = SignInLimit(3)
    assert [knock(limit, f"{n}@b.c", status=status) for n in range(4)] == [400, 400, 400, 429]
    assert knock(limit, address="198.51.100.2") == 400


def test_a_studio_behind_one_address_signs_in_all_at_once() -> None:
    limit = SignInLimit(3)
    assert {knock(limit, f"{n}@b.c", status=200) for n in range(50)} == {200}
    assert {knock(limit, "", status=302) for _ in range(50)} == {302}


def test_tries_for_one_e_mail_are_limited_even_when_they_succeed() -> None:
    limit = SignInLimit(3)
    assert [knock(limit, email, status=200) for email in ("a@b.c", "A@b.c ", "a@b.c", "a@b.c")] == [200, 200, 200, 429]


def test_a_refusal_says_when_to_come_back() -> None:
    limit = SignInLimit(1)
    knock(limit)
    with pytest.raises(TooManyRequests) as refusal:
        limit.call(Door(400), Request("auth.login", headers={"ip": "198.51.100.1"}))
    assert 1 <= refusal.value.retry_after <= 61


def test_no_rate_is_no_limit() -> None:
    limit = SignInLimit(0)
    assert {knock(limit) for _ in range(100)} == {400}


@pytest.mark.parametrize(
    ("route", "address"),
    [
        (["198.51.100.1"], "198.51.100.1"),
        (["6.6.6.6", "198.51.100.1", "10.1.2.3", "127.0.0.1"], "198.51.100.1"),
        (["6.6.6.6", "198.51.100.1"], "198.51.100.1"),
        (["10.0.0.7", "127.0.0.1"], "10.0.0.7"),
        (["rubbish", "127.0.0.1"], "rubbish"),
    ],
)
def test_only_what_trusted_proxies_say_is_believed(route: list[str], address: str) -> None:
    *forwarded, peer = route
    headers = {"X-Forwarded-For": ", ".join(forwarded)} if forwarded else {}
    environ: dict[str, Any] = falcon.testing.create_environ(headers=headers, remote_addr=peer)
    limit = SignInLimit(3, "127.0.0.1, ::1, 10.0.0.0/8")
    assert limit.address_of(falcon.Request(environ)) == address


def test_a_proxy_that_is_no_address_is_refused() -> None:
    with pytest.raises(ValueError, match="proxy"):
        SignInLimit(3, "my-proxy")
