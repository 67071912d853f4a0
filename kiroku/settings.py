"""Every setting in one place, typed; read once from the environment."""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kiroku.checks import misspelt, problem_of

MOST_WORKERS = 4
YES, NO = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


class WrongSettingError(ValueError):
    """A setting that cannot be used; the text names the variable and the fix."""


@dataclass(frozen=True)
class Settings:
    """What a Kiroku server is told. Each field is the environment variable `KIROKU_<FIELD>`.

    `KIROKU_<FIELD>_FILE` names a file that holds the value, as mounted secrets do.
    """

    home: Path = field(default=Path("var"), metadata={"doc": "Folder of the data: database, media, secret"})
    host: str = field(default="127.0.0.1", metadata={"doc": "Address to bind"})
    port: int = field(default=8080, metadata={"doc": "Port of API and live events"})
    workers: int = field(default=0, metadata={"doc": "Processes of `run`; one a processor, at most 4, when 0"})
    threads: int = field(default=24, metadata={"doc": "Requests that are served at the same time"})
    admin_email: str = field(default="admin@example.com", metadata={"doc": "E-mail of the first administrator"})
    admin_password: str = field(default="", metadata={"doc": "Password of the first administrator; made when empty"})
    database_url: str = field(default="", metadata={"doc": "PostgreSQL server; embedded when empty"})
    amqp_url: str = field(default="", metadata={"doc": "RabbitMQ of the distributed shape; amqps:// encrypts"})
    rpc_timeout: int = field(default=60, metadata={"doc": "Longest wait for the answer of another service, seconds"})
    amqp_ca: str = field(default="", metadata={"doc": "PEM file of the broker's CA; the system's CAs when empty"})
    rpc_queues: str = field(default="classic", metadata={"doc": "Queues of calls: classic, or quorum on a cluster"})
    service_threads: int = field(default=8, metadata={"doc": "Calls that a service process works on at the same time"})
    probe_port: int = field(default=0, metadata={"doc": "Port of health and metrics of a process; none when 0"})
    log_level: str = field(default="warning", metadata={"doc": "debug, info, warning, error or critical"})
    log_format: str = field(default="", metadata={"doc": "json or text; text at a terminal when empty, else json"})
    otlp_url: str = field(default="", metadata={"doc": "OTLP receiver of traces, http://host:4318; none when empty"})
    storage_url: str = field(default="", metadata={"doc": "file:///folder or s3://bucket; a folder in home when empty"})
    secret: str = field(default="", metadata={"doc": "Key that signs tokens; made and kept in home when empty"})
    previous_secret: str = field(
        default="", metadata={"doc": "Key that signed tokens before; they stay good while it is set"}
    )
    access_seconds: int = field(default=7 * 86_400, metadata={"doc": "Life of an access token, seconds"})
    refresh_seconds: int = field(default=15 * 86_400, metadata={"doc": "Life of a refresh token, seconds"})
    domain: str = field(
        default="", metadata={"doc": "Public address, https://tracker.studio.com; host and port if empty"}
    )
    sign_in_rate: int = field(default=60, metadata={"doc": "Sign-in tries a minute from one address; 0 for no limit"})
    trusted_proxies: str = field(
        default="127.0.0.1,::1", metadata={"doc": "Addresses or networks whose X-Forwarded-For is believed"}
    )
    mail_enabled: bool = field(default=True, metadata={"doc": "Send mails: invitations, password resets, codes"})
    mail_host: str = field(default="localhost", metadata={"doc": "SMTP server"})
    mail_port: int = field(default=25, metadata={"doc": "Port of the SMTP server"})
    mail_security: str = field(default="", metadata={"doc": "Encryption of SMTP: starttls, tls, or none when empty"})
    mail_user: str = field(default="", metadata={"doc": "Name to sign in to the SMTP server with, if it asks"})
    mail_password: str = field(default="", metadata={"doc": "Password for the SMTP server"})
    mail_sender: str = field(default="no-reply@your-studio.com", metadata={"doc": "From whom mails are"})
    saml_enabled: bool = field(default=False, metadata={"doc": "Sign in with SAML 2.0; needs the program xmlsec1"})
    saml_metadata_url: str = field(default="", metadata={"doc": "Metadata of the identity provider: http(s) or a file"})
    saml_idp_name: str = field(default="", metadata={"doc": "What the sign-in page calls the identity provider"})
    saml_entity_id: str = field(default="", metadata={"doc": "Our name at the identity provider; made when empty"})
    saml_key_file: str = field(default="", metadata={"doc": "RSA key (PEM) of SAML requests; made in home when empty"})
    saml_cert_file: str = field(default="", metadata={"doc": "Certificate (PEM) of that key; made in home when empty"})
    body_limit: int = field(default=10 * 1024**3, metadata={"doc": "Largest request body, bytes"})
    dev: bool = field(default=False, metadata={"doc": "Development aids; refused on a public address"})


def read_settings(environment: dict[str, str] | None = None) -> Settings:
    """Return the settings of `environment` (os.environ). Raises WrongSettingError."""
    source = dict(os.environ) if environment is None else environment
    defaults = {name: each.default for name, each in Settings.__dataclass_fields__.items()}
    if wrong := misspelt(source, [f"KIROKU_{name.upper()}" for name in defaults]):
        raise WrongSettingError(wrong)
    found: dict[str, object] = {}
    for name, default in defaults.items():
        variable = f"KIROKU_{name.upper()}"
        if text := _text(source, variable):
            found[name] = _converted(variable, text, default)
    settings = Settings(**found)  # type: ignore[arg-type]
    if problem := problem_of(settings):
        raise WrongSettingError(problem)
    return settings


def _text(source: Mapping[str, str], variable: str) -> str:
    """Return what a variable says, itself or by the file that `<variable>_FILE` names."""
    path = source.get(f"{variable}_FILE", "")
    if source.get(variable) or not path:
        return source.get(variable, "")
    try:
        return Path(path).read_text().strip()
    except (OSError, UnicodeDecodeError) as problem:
        raise WrongSettingError(f"{variable}_FILE={path} cannot be read: {problem}; give a readable file") from None


def _converted(variable: str, text: str, default: object) -> object:
    if isinstance(default, bool):
        if text.lower() not in (*YES, *NO):
            raise WrongSettingError(f"{variable}={text!r} is neither yes nor no: set 1 or 0")
        return text.lower() in YES
    if isinstance(default, int):
        if not (text.isascii() and text.isdigit()):
            raise WrongSettingError(f"{variable}={text!r} is not a whole number: set digits only")
        return int(text)
    return Path(text) if isinstance(default, Path) else text


def worker_count(settings: Settings) -> int:
    """Return how many processes the embedded shape has: as told, else one a processor and at most four."""
    if settings.dev:
        # Going back to the fresh install takes hold of every follower, so all of them must be in one process.
        return 1
    able = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return settings.workers or min(MOST_WORKERS, able)


def kept_secret(settings: Settings) -> str:
    """Return the signing key: the one given, else the one kept in home, made on first start."""
    if settings.secret:
        return settings.secret
    path = settings.home / "secret"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(32))
    return path.read_text().strip()
