"""People of a studio, as they talk to a running server."""

from typing import Any

import requests

from tests.support.server import EMAIL, PASSWORD, RunningServer


class Client:
    """Somebody signed in, who reads what was written before."""

    def __init__(self, server: RunningServer, email: str = EMAIL, password: str = PASSWORD) -> None:
        self.server, self.session = server, requests.Session()
        self.token = self.ask("POST", "auth/login", {"email": email, "password": password})["access_token"]
        self.session.headers["Authorization"] = f"Bearer {self.token}"

    def call(self, method: str, path: str, body: Any = None) -> requests.Response:
        return self.session.request(method, f"{self.server.url}/{path}", json=body, timeout=30)

    def upload(self, path: str, content: bytes, name: str = "file.csv", **query: str) -> requests.Response:
        return self.session.post(
            f"{self.server.url}/{path}", params=query, files={"file": (name, content)}, timeout=120
        )

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        reply = self.call(method, path, body)
        assert reply.ok, f"{method} {path}: {reply.status_code} {reply.text}"
        return reply.json() if reply.content else None

    def status(self, method: str, path: str, body: Any = None) -> int:
        return self.call(method, path, body).status_code
