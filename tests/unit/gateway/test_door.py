"""The gateway as clients meet it: tokens, cookies, bodies, addresses; services are played by a small bus."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import falcon.testing
import jwt
import orjson
import pytest

from chassis.errors import NotFound
from chassis.messages import Reply, Request
from chassis.operations import command, query
from chassis.policy import anyone, signed_in
from chassis.storage import FolderStore
from gateway.app import create_app
from gateway.identity import Identities
from gateway.routing import get, post
from gateway.uploads import plain_name

SECRET = "a secret of at least thirty-two bytes, for HS256"
PERSON = {
    "person_id": "p1",
    "role": "user",
    "identity": "person",
    "departments": [],
    "email": "a@b.c",
    "full_name": "A B",
    "active": True,
    "revoked": False,
}
BROWSER = {"User-Agent": "Mozilla/5.0"}


@command(allow=anyone)
def login(unit: Any) -> None:
    """Sign in."""


@query(allow=signed_in)
def read(unit: Any) -> None:
    """Read."""


@command(allow=anyone)
def write(unit: Any) -> None:
    """Write."""


class SmallBus:
    """Answers as auth and an echo would."""

    def call(self, request: Request) -> Reply:
        if request.operation == "auth.get_identity":
            if request.path["person_id"] != "p1":
                raise NotFound
            return Reply(body=orjson.dumps(PERSON))
        if request.operation == "auth.login":
            return Reply(body=b"{}", notes={"cookies": {"access": token(), "refresh": token("refresh")}})
        files = [[each.filename, each.size] for each in request.files]
        found = {
            "tag": request.if_none_match,
            "body": request.body,
            "form": request.form,
            "query": request.query,
            "files": files,
        }
        return Reply(body=orjson.dumps({**found, "actor": request.actor.person_id}))

    def begin(self, request: Request) -> Callable[[], Reply]:
        return partial(self.call, request)


class TwoServices(SmallBus):
    """Answers by x and y, which are at work at the same time; y knows of a change."""

    def __init__(self) -> None:
        self.begun: list[str] = []

    def begin(self, request: Request) -> Callable[[], Reply]:
        self.begun.append(request.operation)

        def wait() -> Reply:
            assert self.begun == ["x.read", "y.count"]
            if request.operation == "x.read":
                return Reply(body=b'{"who":"%b"}' % str(request.actor.person_id).encode())
            return Reply(body=b'{"count":3}', positions={"y": 7})

        return wait


def token(kind: str = "access", *, seconds: int = 600, secret: str = SECRET) -> str:
    claims = {"sub": "p1", "jti": "j1", "type": kind, "exp": int(time.time()) + seconds}
    return jwt.encode(claims, secret, algorithm="HS256")


@pytest.fixture
def store(tmp_path: Any) -> FolderStore:
    return FolderStore(tmp_path, durable=False)


@pytest.fixture
def client(store: FolderStore) -> falcon.testing.TestClient:
    described = {"auth.login": login.operation, "x.read": read.operation, "x.write": write.operation}  # type: ignore[attr-defined]
    routes = [post("/auth/login", "auth.login"), get("/read", "x.read"), post("/write", "x.write")]
    app = create_app(SmallBus(), store=store, secret=SECRET, body_limit=100_000, describe=described, routes=routes)
    return falcon.testing.TestClient(app)


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


@pytest.mark.parametrize("seconds", [-5, 600])
def test_a_browser_with_an_outworn_cookie_can_still_sign_in(client: Any, seconds: int) -> None:
    cookie = {"access_token_cookie": token(seconds=seconds, secret=SECRET if seconds < 0 else "x" * 40)}
    assert client.simulate_post("/auth/login", json={}, cookies=cookie).status_code == 200


def test_a_token_that_is_expired_missing_or_of_another_secret_opens_nothing(client: Any) -> None:
    assert client.simulate_get("/read").status_code == 401
    assert client.simulate_get("/read", headers=bearer(token(seconds=-5))).json == {"msg": "Token has expired"}
    assert client.simulate_get("/read", headers=bearer(token(secret="y" * 40))).status_code == 422
    assert client.simulate_get("/read", headers=bearer(token("refresh"))).status_code == 422
    assert client.simulate_get("/read", headers=bearer(token())).json["actor"] == "p1"


def test_after_a_change_of_secrets_tokens_of_the_previous_one_are_good_and_those_of_others_are_not() -> None:
    described = {"x.read": read.operation}  # type: ignore[attr-defined]
    identities = Identities(SmallBus(), "a new secret of thirty-two bytes or more", SECRET)
    app = create_app(
        SmallBus(),
        store=None,
        secret="unused",
        identities=identities,
        describe=described,
        routes=[get("/read", "x.read")],
    )
    client = falcon.testing.TestClient(app)
    for secret, status in ((SECRET, 200), ("a new secret of thirty-two bytes or more", 200), ("y" * 40, 422)):
        assert client.simulate_get("/read", headers=bearer(token(secret=secret))).status_code == status
    assert client.simulate_get("/read", headers=bearer(token(seconds=-5))).json == {"msg": "Token has expired"}


def test_what_two_services_know_is_asked_at_once_and_answered_as_one_object() -> None:
    described = {"x.read": read.operation, "y.count": read.operation}  # type: ignore[attr-defined]
    routes = [get("/read", "x.read", also=("y.count",))]
    app = create_app(TwoServices(), store=None, secret=SECRET, describe=described, routes=routes)
    # The person behind the token is asked for by a call.
    reply = falcon.testing.TestClient(app).simulate_get("/read", headers=bearer(token()))
    assert reply.json == {"who": "p1", "count": 3}
    assert reply.headers["X-Kiroku-Seen"] == "y-7"


@pytest.mark.parametrize("tag", ['"1f-p1-0"', 'W/"1f-p1-0"'])
def test_a_tag_is_known_again_after_a_proxy_made_it_weak(client: Any, tag: str) -> None:
    reply = client.simulate_get("/read", headers={**bearer(token()), "If-None-Match": tag})
    assert reply.json["tag"] == '"1f-p1-0"'


@pytest.mark.parametrize("prefix", ["", "/api"])
def test_cookies_live_as_long_as_their_tokens_and_go_where_they_are_used(client: Any, prefix: str) -> None:
    reply = client.simulate_post(f"{prefix}/auth/login", json={}, headers=BROWSER)
    access, refresh = reply.cookies["access_token_cookie"], reply.cookies["refresh_token_cookie"]
    assert (access.path, refresh.path) == ("/", f"{prefix}/auth/refresh-token")
    assert access.http_only
    assert refresh.http_only
    assert 590 <= access.max_age <= 600
    assert not access.secure
    encrypted = {**BROWSER, "X-Forwarded-Proto": "https"}
    assert client.simulate_post("/auth/login", json={}, headers=encrypted).cookies["access_token_cookie"].secure


def test_a_redirect_from_doubled_slashes_keeps_the_query(client: Any) -> None:
    reply = client.simulate_get("/api//read", query_string="a=1&b=2")
    assert (reply.status_code, reply.headers["Location"]) == (308, "/api/read?a=1&b=2")


def chunked(client: Any, body: bytes, kind: str) -> Any:
    headers = {"Transfer-Encoding": "chunked", "Content-Type": kind}
    environ = {"CONTENT_LENGTH": ""}
    return client.simulate_post("/write", body=body, headers=headers, extras=environ)


def test_a_body_without_length_is_read_and_limited(client: Any) -> None:
    assert chunked(client, b'{"a": 1}', "application/json").json["body"] == {"a": 1}
    assert chunked(client, b"[" + b"1," * 60_000 + b"1]", "application/json").status_code == 413
    assert chunked(client, b"a=1&b=2", "application/x-www-form-urlencoded").json["form"] == {"a": "1", "b": "2"}


def multipart(content: bytes, *, ended: bool = True) -> bytes:
    head = b'--line\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
    return head + content + (b"\r\n--line--\r\n" if ended else b"")


def test_files_are_kept_while_the_service_works_and_then_forgotten(client: Any, store: FolderStore) -> None:
    for send in (lambda body: chunked(client, body, "multipart/form-data; boundary=line"),):
        assert send(multipart(b"x" * 5000)).json["files"] == [["a.png", 5000]]
    assert stored(store) == []


def test_a_truncated_upload_is_refused_and_leaves_nothing(client: Any, store: FolderStore) -> None:
    kind = {"Content-Type": "multipart/form-data; boundary=line"}
    reply = client.simulate_post("/write", body=multipart(b"x" * 50_000, ended=False), headers=kind)
    assert reply.status_code == 400
    assert stored(store) == []
    too_large = multipart(b"x" * 200_000)
    assert client.simulate_post("/write", body=too_large, headers=kind).status_code == 413
    assert chunked(client, too_large, kind["Content-Type"]).status_code == 413
    assert stored(store) == []


def stored(store: FolderStore) -> list[str]:
    return [str(path) for path in store.root.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("given", "kept"),
    [("notes é.txt", "notes é.txt"), ("../../etc/passwd", "passwd"), ("C:\\a\\b.png", "b.png"), ("\x00\n", "file"),
     (".htaccess", "htaccess"), ("", "file")],
)  # fmt: skip
def test_names_of_uploads_keep_accents_and_lose_folders(given: str, kept: str) -> None:
    assert plain_name(given) == kept
