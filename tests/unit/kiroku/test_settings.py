"""Settings: read from the environment, and refused with one line that names the variable and the fix."""

from pathlib import Path

import pytest

from kiroku.addresses import database_of, database_template_of
from kiroku.settings import Settings, WrongSettingError, read_settings

SECRET = "s" * 32


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"KIROKU_PORT": "eighty"}, ("KIROKU_PORT", "digits")),
        ({"KIROKU_PORT": "tcp://10.0.0.1:8080"}, ("KIROKU_PORT", "whole number")),
        ({"KIROKU_PORT": "70000"}, ("KIROKU_PORT", "1 to 65535")),
        ({"KIROKU_THREADS": "0"}, ("KIROKU_THREADS", "1 to 1000")),
        ({"KIROKU_DEV": "maybe"}, ("KIROKU_DEV", "1 or 0")),
        ({"KIROKU_DEV": "1", "KIROKU_HOST": "0.0.0.0"}, ("KIROKU_DEV", "127.0.0.1")),
        ({"KIROKU_LOG_LEVEL": "loud"}, ("KIROKU_LOG_LEVEL", "debug, info")),
        ({"KIROKU_RPC_QUEUES": "mirrored"}, ("KIROKU_RPC_QUEUES", "quorum")),
        ({"KIROKU_SECRET": "short"}, ("KIROKU_SECRET", "openssl rand")),
        ({"KIROKU_DATABASE_URL": "mysql://u:word@host/"}, ("KIROKU_DATABASE_URL", "postgresql://")),
        ({"KIROKU_DATABASE_URL": "postgresql:///x"}, ("KIROKU_DATABASE_URL", "no host")),
        ({"KIROKU_DATABASE_URL": "postgresql://h/kiroku"}, ("KIROKU_DATABASE_URL", "each service has its own")),
        ({"KIROKU_DATABASE_URL": "postgresql://h/{name}"}, ("KIROKU_DATABASE_URL", "{service}")),
        ({"KIROKU_DATABASE_URL": "postgresql://h/?sslmode=on"}, ("KIROKU_DATABASE_URL", "verify-full")),
        ({"KIROKU_DATABASE_URL": "postgresql://h/?sslmode=verify-full"}, ("KIROKU_DATABASE_URL", "sslrootcert")),
        (
            {"KIROKU_DATABASE_URL": "postgresql://h/?sslmode=verify-ca&sslrootcert=/no/ca.pem"},
            ("KIROKU_DATABASE_URL", "/no/ca.pem"),
        ),
        ({"KIROKU_AMQP_URL": "http://rabbit/"}, ("KIROKU_AMQP_URL", "amqp://")),
        ({"KIROKU_AMQP_URL": "amqp://u:p@host:port/"}, ("KIROKU_AMQP_URL", "percent-encode")),
        ({"KIROKU_AMQP_URL": "amqps://h/", "KIROKU_AMQP_CA": "/no/ca.pem"}, ("KIROKU_AMQP_CA", "PEM")),
        ({"KIROKU_STORAGE_URL": "ftp://host"}, ("KIROKU_STORAGE_URL", "s3://")),
        ({"KIROKU_DATABSE_URL": "postgresql://h/"}, ("KIROKU_DATABSE_URL", "KIROKU_DATABASE_URL?")),
        ({"KIROKU_SECRET_FILE": "/no/secret"}, ("KIROKU_SECRET_FILE", "readable")),
    ],
)
def test_a_wrong_setting_is_refused_in_one_line_with_its_name_and_the_fix(
    environment: dict[str, str], words: tuple[str, str]
) -> None:
    with pytest.raises(WrongSettingError) as refusal:
        read_settings(environment)
    assert "\n" not in str(refusal.value)
    for word in words:
        assert word in str(refusal.value)


@pytest.mark.parametrize("url", ["mysql://u:hunter2@host/", "postgresql://u:hunter2@host/{x}"])
def test_a_refusal_never_shows_a_password(url: str) -> None:
    with pytest.raises(WrongSettingError) as refusal:
        read_settings({"KIROKU_DATABASE_URL": url})
    assert "hunter2" not in str(refusal.value)


def test_an_encrypted_broker_and_database_are_settings(tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_text("certificate")
    database = f"postgresql://u:p@db/?sslmode=verify-full&sslrootcert={ca}"
    settings = read_settings(
        {"KIROKU_AMQP_URL": "amqps://u:p@mq/", "KIROKU_AMQP_CA": str(ca), "KIROKU_DATABASE_URL": database}
    )
    assert settings.amqp_ca == str(ca)
    with pytest.raises(WrongSettingError, match="KIROKU_AMQP_CA is set, but KIROKU_AMQP_URL is not encrypted"):
        read_settings({"KIROKU_AMQP_URL": "amqp://u:p@mq/", "KIROKU_AMQP_CA": str(ca)})


def test_a_value_may_stand_in_a_file_and_the_variable_itself_goes_first(tmp_path: Path) -> None:
    kept = tmp_path / "secret"
    kept.write_text(f"{SECRET}\n")
    assert read_settings({"KIROKU_SECRET_FILE": str(kept)}).secret == SECRET
    assert read_settings({"KIROKU_SECRET_FILE": str(kept), "KIROKU_SECRET": "t" * 32}).secret == "t" * 32


def test_other_variables_are_left_alone() -> None:
    others = {"KIROKU_BCRYPT_COST": "4", "KIROKU_TEST_AMQP_URL": "amqp://h/", "KIROKU_GATEWAY_SERVICE_HOST": "10.0.0.1"}
    assert read_settings(others) == Settings()


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("postgresql://u:p@h:5432", "postgresql://u:p@h:5432/kiroku_tasks"),
        ("postgresql://h/", "postgresql://h/kiroku_tasks"),
        ("postgresql://h/?sslmode=require", "postgresql://h/kiroku_tasks?sslmode=require"),
        ("postgresql://h/studio_{service}?sslmode=require", "postgresql://h/studio_tasks?sslmode=require"),
        ("postgresql://k@/kiroku_{service}?host=/tmp/pg", "postgresql://k@/kiroku_tasks?host=/tmp/pg"),
    ],
)
def test_each_service_has_a_database_and_options_stay(url: str, wanted: str) -> None:
    assert database_of(database_template_of(url), "tasks") == wanted
    read_settings({"KIROKU_DATABASE_URL": database_template_of(url)})
