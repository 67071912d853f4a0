"""HTTP as one of the people of the world."""

from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests

from .fixtures import content

TIMEOUT_SECONDS = 60
PASSWORD = "contract-password"
PEOPLE = {
    "artist": ("Art", "Ist", "user"),
    "artist2": ("Bob", "Roe", "user"),
    "client": ("Cli", "Ent", "client"),
    "manager": ("Mona", "Ng", "manager"),
    "outsider": ("Out", "Sider", "user"),
    "supervisor": ("Sue", "Per", "supervisor"),
    "vendor": ("Ven", "Dor", "vendor"),
}


class SignInRefusedError(Exception):
    """The server refused to sign an actor in."""


class Client:
    """Sends requests; an actor is `admin`, a name of PEOPLE, or None for nobody."""

    def __init__(self, url: str, email: str, password: str) -> None:
        self.url = url.rstrip("/")
        self.accounts = {name: (f"{name}@example.com", PASSWORD) for name in PEOPLE}
        self.accounts["admin"] = (email, password)
        self.tokens: dict[str, str] = {}
        self.session = requests.Session()
        # Tokens travel in the header alone, so that one session can speak for everybody.
        self.session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))

    def sign_in(self, actor: str) -> dict[str, Any]:
        """Sign an actor in, keep the token and give the reply's body. Source: POST /auth/login."""
        email, password = self.accounts[actor]
        reply = self.session.post(
            f"{self.url}/auth/login", json={"email": email, "password": password}, timeout=TIMEOUT_SECONDS
        )
        if reply.status_code != 200:
            raise SignInRefusedError(f"{actor} ({email}): {reply.status_code} {reply.text[:200]}")
        body: dict[str, Any] = reply.json()
        self.tokens[actor] = body["access_token"]
        return body

    def send(self, actor: str | None, method: str, request: dict[str, Any]) -> requests.Response:
        """Send `{path, query?, headers?, body? | raw? | files?, content_type?}` without following redirects."""
        headers = dict(request.get("headers", {}))
        if actor is not None:
            if actor not in self.tokens:
                self.sign_in(actor)
            headers["Authorization"] = f"Bearer {self.tokens[actor]}"
        if "content_type" in request:
            headers["Content-Type"] = request["content_type"]
        files = {name: (file["name"], content(file)) for name, file in request.get("files", {}).items()}
        return self.session.request(
            method,
            self.url + request["path"],
            params=request.get("query"),
            headers=headers,
            json=request.get("body"),
            data=request["raw"].encode() if "raw" in request else None,
            files=files or None,
            allow_redirects=False,
            timeout=TIMEOUT_SECONDS,
        )
