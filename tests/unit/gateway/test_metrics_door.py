"""Who may read the metrics, and what they count."""

from typing import Any

import falcon.testing
import pytest

from gateway.app import create_app
from tests.unit.gateway.test_door import SECRET, SmallBus, token


@pytest.fixture
def client() -> falcon.testing.TestClient:
    return falcon.testing.TestClient(create_app(SmallBus(), store=None, secret=SECRET, describe={}))


def ask(client: Any, remote: str, **headers: str) -> Any:
    return client.simulate_get("/metrics", remote_addr=remote, headers=headers)


def test_this_machine_reads_the_metrics_and_finds_requests_by_operation(client: falcon.testing.TestClient) -> None:
    client.simulate_get("/health/live")
    client.simulate_get("/no/such/place")
    text = ask(client, "127.0.0.1").text
    assert 'kiroku_http_requests_total{operation="gateway.live",status="200"}' in text
    assert 'kiroku_http_requests_total{operation="none",status="404"}' in text
    assert "/no/such" not in text


def test_strangers_and_people_without_the_role_admin_do_not(client: falcon.testing.TestClient) -> None:
    assert ask(client, "10.0.0.7").status_code == 401
    assert ask(client, "10.0.0.7", Authorization=f"Bearer {token()}").status_code == 403


def test_a_request_through_a_proxy_on_this_machine_is_a_strangers(client: falcon.testing.TestClient) -> None:
    assert ask(client, "127.0.0.1", **{"X-Forwarded-For": "203.0.113.9"}).status_code == 401
