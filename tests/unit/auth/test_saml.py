"""SAML without a provider: which requests are ours, and where a sign-in may lead."""

import time

import pytest

from services.auth.saml_requests import REQUEST_SECONDS, is_own_request, new_request_id
from services.auth.single_sign_on import local_path

SECRET = "a secret of at least thirty-two bytes"


def test_a_request_is_known_again_for_ten_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    id_ = new_request_id(SECRET)
    assert is_own_request(SECRET, id_)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + REQUEST_SECONDS + 2)
    assert not is_own_request(SECRET, id_)


@pytest.mark.parametrize("id_", [None, "", "id-1", "k-", "kzz-1-2", "k1-é-é"])
def test_a_text_that_is_no_request_is_not_ours(id_: str | None) -> None:
    assert not is_own_request(SECRET, id_)


def test_a_request_of_somebody_else_is_not_ours() -> None:
    id_ = new_request_id("another secret")
    assert not is_own_request(SECRET, id_)


@pytest.mark.parametrize("path", ["/", "/my-tasks?x=1#y", "/productions/1/shots"])
def test_pages_of_our_own_are_reached(path: str) -> None:
    assert local_path(path) == path


@pytest.mark.parametrize(
    "path",
    [None, "", "my-tasks", "https://evil.test", "//evil.test", "/\\evil.test", "/\t/evil.test", "/a\r\nSet-Cookie: b",
     "javascript:alert(1)", "/é"],
)  # fmt: skip
def test_everything_else_leads_to_the_first_page(path: str | None) -> None:
    assert local_path(path) == "/"
