"""What signing in is told by the environment."""

from pathlib import Path
from typing import Any

import pytest

from kiroku.distributed.serving import serve_part
from kiroku.settings import WrongSettingError, read_settings
from kiroku.sign_in import public_address, sign_in_limit, sign_in_settings


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with xmlsec1."""
    (tmp_path / "xmlsec1").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))


def told(home: Path, **settings: str) -> dict[str, Any]:
    environment = {f"KIROKU_{name.upper()}": value for name, value in settings.items()}
    return sign_in_settings(read_settings({"KIROKU_HOME": str(home), **environment}))


@pytest.mark.parametrize(
    ("domain", "address"),
    [
        ("", "http://127.0.0.1:8080"),
        ("tracker.studio.com", "https://tracker.studio.com"),
        ("http://tracker:81/", "http://tracker:81"),
    ],
)
def test_the_public_address_is_complete(domain: str, address: str) -> None:
    assert public_address(read_settings({"KIROKU_DOMAIN": domain})) == address


def test_without_saml_nothing_is_made(tmp_path: Path) -> None:
    assert told(tmp_path)["saml"] == {}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("program")
def test_the_key_of_saml_is_made_once_and_kept_to_its_owner(tmp_path: Path) -> None:
    first, second = (told(tmp_path, saml_enabled="1", saml_metadata_url="idp.xml")["saml"] for _ in range(2))
    assert first == second
    key = Path(first["key_file"])
    assert key.stat().st_mode & 0o077 == 0
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith(".")] == []


@pytest.mark.usefixtures("program")
@pytest.mark.parametrize(
    "settings",
    [
        {"saml_enabled": "1"},
        {"saml_enabled": "1", "saml_metadata_url": "idp.xml", "saml_key_file": "key.pem"},
        {"mail_security": "rot13"},
        {"trusted_proxies": "my-proxy"},
    ],
)
def test_settings_that_do_not_fit_are_refused_at_once(tmp_path: Path, settings: dict[str, str]) -> None:
    with pytest.raises(WrongSettingError):
        told(tmp_path, **settings)


def test_saml_without_its_program_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(WrongSettingError, match="apt-get install xmlsec1"):
        told(tmp_path, saml_enabled="1", saml_metadata_url="idp.xml")


def test_the_limit_can_be_switched_off() -> None:
    assert sign_in_limit(read_settings({"KIROKU_SIGN_IN_RATE": "0"}))


def test_services_that_run_apart_are_given_the_pair_of_saml(tmp_path: Path) -> None:
    told = {"KIROKU_AMQP_URL": "amqp://localhost/", "KIROKU_DATABASE_URL": "postgresql://localhost/"}
    saml = {"KIROKU_SAML_ENABLED": "1", "KIROKU_SAML_METADATA_URL": "idp.xml"}
    settings = read_settings({**told, **saml, "KIROKU_HOME": str(tmp_path), "KIROKU_SECRET": "s" * 32})
    with pytest.raises(WrongSettingError, match="KIROKU_SAML_KEY_FILE"):
        serve_part(settings, "auth")
