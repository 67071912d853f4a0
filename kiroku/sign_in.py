"""What signing in needs of the machine: the public address, mail, the key pair of SAML, the limit of tries."""

import os
import shutil
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from gateway.throttle import SignInLimit
from gateway.tries import Tries
from kiroku.settings import Settings, WrongSettingError

XMLSEC = (
    "KIROKU_SAML_ENABLED=1 needs the program xmlsec1. Debian, Ubuntu: apt-get install xmlsec1; Fedora: dnf install "
    "xmlsec1 xmlsec1-openssl; macOS: brew install libxmlsec1"
)


def sign_in_settings(settings: Settings) -> dict[str, Any]:
    """Return {domain, mail, saml} as the auth service takes them. Raises WrongSettingError."""
    domain = public_address(settings)
    if settings.mail_security not in ("", "starttls", "tls"):
        raise WrongSettingError(f"KIROKU_MAIL_SECURITY={settings.mail_security!r}: set starttls, tls or nothing")
    sign_in_limit(settings)
    mail = {
        name: getattr(settings, f"mail_{name}")
        for name in ("enabled", "host", "port", "security", "user", "password", "sender")
    }
    return {"domain": domain, "mail": mail, "saml": _saml(settings, domain) if settings.saml_enabled else {}}


def public_address(settings: Settings) -> str:
    """Return the address that people and identity providers reach us by, without a slash at its end."""
    given = settings.domain.rstrip("/")
    if not given:
        return f"http://{settings.host}:{settings.port}"
    return given if "://" in given else f"https://{given}"


def sign_in_limit(settings: Settings, tries: Tries | None = None) -> SignInLimit:
    """Return the limit of sign-in tries, which several processes may count together. Raises WrongSettingError."""
    try:
        return SignInLimit(settings.sign_in_rate, settings.trusted_proxies, tries)
    except ValueError as problem:
        raise WrongSettingError(f"KIROKU_TRUSTED_PROXIES={settings.trusted_proxies!r}: {problem}") from None


def _saml(settings: Settings, domain: str) -> dict[str, Any]:
    if not settings.saml_metadata_url:
        raise WrongSettingError(
            "KIROKU_SAML_ENABLED=1 needs KIROKU_SAML_METADATA_URL: the identity provider's metadata"
        )
    if shutil.which("xmlsec1") is None:
        raise WrongSettingError(XMLSEC)
    if bool(settings.saml_key_file) != bool(settings.saml_cert_file):
        raise WrongSettingError("Set KIROKU_SAML_KEY_FILE and KIROKU_SAML_CERT_FILE together, or neither")
    key, certificate = settings.saml_key_file, settings.saml_cert_file
    if not key:
        key, certificate = _own_pair(settings.home / "saml", domain)
    return {
        "metadata_url": settings.saml_metadata_url,
        "idp_name": settings.saml_idp_name,
        "domain": domain,
        "entity_id": settings.saml_entity_id or f"{domain}/api/auth/saml/metadata",
        "key_file": key,
        "cert_file": certificate,
    }


def _own_pair(folder: Path, domain: str) -> tuple[str, str]:
    """Return the files of the key and certificate kept in `folder`, made on first start."""
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=".saml-", dir=folder.parent))
        write_pair(made, domain)
        try:
            os.rename(made, folder)  # both files at once; a second process that came first wins
        except OSError:
            shutil.rmtree(made)
    return str(folder.resolve() / "key.pem"), str(folder.resolve() / "cert.pem")


def write_pair(folder: Path, name: str) -> None:
    """Write a new RSA key and its self-signed certificate (ten years) to `folder`: key.pem and cert.pem."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name.partition("://")[2][:64] or name[:64])])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=3650))
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    (folder / "key.pem").touch(mode=0o600)
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, plain)
    )
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
