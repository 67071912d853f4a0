"""The demo's way to the server: plain HTTP as anybody else."""

from typing import Any

import requests

Record = dict[str, Any]
TIMEOUT_SECONDS = 120


class RefusedError(Exception):
    """The server refused a step of the demo."""


class Api:
    """JSON and files over one session, signed in as one person."""

    def __init__(self, base_url: str, email: str, password: str) -> None:
        """Sign in. Source: POST /auth/login."""
        self.url = base_url.rstrip("/")
        self.session = requests.Session()
        body = {"email": email, "password": password}
        token = self.call("POST", "/auth/login", body)["access_token"]
        self.session.headers["Authorization"] = f"Bearer {token}"

    def call(self, method: str, path: str, body: Any = None, files: Any = None) -> Any:
        """Send JSON or files and return the JSON of the answer; raise RefusedError for anything but 2xx."""
        reply = self.session.request(method, self.url + path, json=body, files=files, timeout=TIMEOUT_SECONDS)
        if not reply.ok:
            raise RefusedError(f"{method} {path}: {reply.status_code} {reply.text[:300]}")
        return reply.json() if reply.content else None

    def get(self, path: str) -> Any:
        """Read JSON."""
        return self.call("GET", path)

    def post(self, path: str, body: Any) -> Any:
        """Write JSON."""
        return self.call("POST", path, body)

    def upload(self, path: str, name: str, data: bytes) -> Any:
        """Send one picture as the form field `file`."""
        return self.call("POST", path, files={"file": (name, data, "image/png")})
