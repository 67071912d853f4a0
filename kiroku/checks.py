"""What a setting must look like; each refusal is one line that names the variable and the fix. No secret is shown."""

import difflib
from collections.abc import Callable, Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, urlsplit

Check = Callable[[Any], str | None]
RANGES = {
    "port": (1, 65_535),
    "probe_port": (0, 65_535),
    "workers": (0, 64),
    "threads": (1, 1_000),
    "service_threads": (1, 200),
    "rpc_timeout": (1, 3_600),
    "mail_port": (1, 65_535),
    "access_seconds": (60, 10 * 365 * 86_400),
    "refresh_seconds": (60, 10 * 365 * 86_400),
    "body_limit": (1_024, 1024**4),
}
CHOICES = {
    "log_level": ("debug", "info", "warning", "error", "critical"),
    "log_format": ("json", "text"),
    "rpc_queues": ("classic", "quorum"),
    "mail_security": ("starttls", "tls"),
}
SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
SECRET_LENGTH = 32
# Read elsewhere, or not by the server: these are no misspelt settings.
OTHERS = ("KIROKU_BCRYPT_COST",)
TEST_PREFIX = "KIROKU_TEST_"


def problem_of(settings: Any) -> str | None:
    """Return the first problem of the settings as `KIROKU_X …: the fix`, or None. Looks at files, never connects."""
    for name, check in CHECKS.items():
        value = getattr(settings, name)
        found = check(value) if value not in ("", None) else None
        if found:
            return f"KIROKU_{name.upper()} {found}"
    if settings.amqp_ca and not settings.amqp_url.startswith("amqps://"):
        return "KIROKU_AMQP_CA is set, but KIROKU_AMQP_URL is not encrypted: begin it with amqps://"
    if settings.dev and settings.host not in ("127.0.0.1", "localhost", "::1"):
        return "KIROKU_DEV=1 is refused on a public address: set KIROKU_HOST=127.0.0.1"
    return None


def misspelt(environment: Mapping[str, str], known: Iterable[str]) -> str | None:
    """Return what to do about a variable that is nearly a setting, or None. Pure."""
    names = {*known, *OTHERS}
    allowed = names | {f"{name}_FILE" for name in names}
    for variable in sorted(environment):
        if not variable.startswith("KIROKU_") or variable in allowed or variable.startswith(TEST_PREFIX):
            continue
        near = difflib.get_close_matches(variable, sorted(allowed), 1, 0.88)
        if near:
            return f"{variable} is not a setting: did you mean {near[0]}?"
    return None


def _in_range(lowest: int, highest: int) -> Check:
    def check(value: int) -> str | None:
        return None if lowest <= value <= highest else f"is {value}: set a number from {lowest} to {highest}"

    return check


def _one_of(words: tuple[str, ...]) -> Check:
    def check(value: str) -> str | None:
        return None if value in words else f"is {value!r}: set one of {', '.join(words)}"

    return check


def _parts(url: str, schemes: tuple[str, ...]) -> SplitResult | None:
    """Return the parts of a URL of these schemes with a valid port, else None."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts if parts.scheme in schemes else None


def _database(url: str) -> str | None:
    parts = _parts(url, ("postgresql", "postgres"))
    example = "write postgresql://user:password@host:5432/kiroku_{service} (percent-encode the password)"
    if parts is None:
        return f"is not the address of a PostgreSQL server: {example}"
    options = dict(parse_qsl(parts.query))
    if not parts.hostname and "host" not in options:
        return f"names no host: {example}"
    if "{" in url.replace("{service}", ""):
        return f"holds a brace that is not {{service}}: {example}"
    if parts.path.strip("/") and "{service}" not in url:
        return f"names one database, and each service has its own: leave the name out, or {example}"
    return _encryption(options)


def _encryption(options: Mapping[str, str]) -> str | None:
    mode, root = options.get("sslmode"), options.get("sslrootcert", "")
    if mode is not None and mode not in SSL_MODES:
        return f"has sslmode={mode}: use one of {', '.join(SSL_MODES)}"
    if mode in ("verify-ca", "verify-full") and not root:
        return f"has sslmode={mode} without sslrootcert: add &sslrootcert=/path/to/ca.pem"
    if root and root != "system" and not Path(root).is_file():
        return f"has sslrootcert={root}, which is no file: give the certificate of the database's CA"
    return None


def _broker(url: str) -> str | None:
    parts = _parts(url, ("amqp", "amqps"))
    if parts is None or not parts.hostname:
        return "is not the address of a RabbitMQ: write amqp://user:password@host/ or amqps://… (percent-encode them)"
    return None


def _receiver(url: str) -> str | None:
    parts = _parts(url, ("http", "https"))
    if parts is None or not parts.hostname:
        return "is not the address of an OTLP receiver: write http://host:4318"
    if find_spec("opentelemetry") is None:
        return "is set, but OpenTelemetry is missing: pip install 'kiroku[traces]', or unset it"
    return None


def _file(path: str) -> str | None:
    return None if Path(path).is_file() else f"is {path}, which is no file: give a PEM file with the CA's certificate"


def _storage(url: str) -> str | None:
    parts = urlsplit(url)
    if parts.scheme == "file" and parts.path.startswith("/") and parts.netloc in ("", "localhost"):
        return None
    if parts.scheme == "s3" and parts.netloc:
        return None if find_spec("boto3") else "is a bucket, but boto3 is missing: pip install 'kiroku[s3]'"
    return "is not an object store: write file:///folder or s3://bucket/prefix?endpoint=https://host&region=name"


def _secret(text: str) -> str | None:
    if len(text) >= SECRET_LENGTH:
        return None
    return f"is shorter than {SECRET_LENGTH} characters: make one with `openssl rand -hex 32`"


CHECKS: dict[str, Check] = {
    **{name: _in_range(*limits) for name, limits in RANGES.items()},
    **{name: _one_of(words) for name, words in CHOICES.items()},
    "database_url": _database,
    "amqp_url": _broker,
    "amqp_ca": _file,
    "otlp_url": _receiver,
    "storage_url": _storage,
    "secret": _secret,
}
