"""`kiroku serve <part>`: one service, the gateway, or live events alone."""

from chassis.storage import open_store
from kiroku.addresses import database_of, database_template_of
from kiroku.distributed.broker import Broker
from kiroku.embedded import service_settings, storage_of
from kiroku.observing import start_traces
from kiroku.settings import Settings, WrongSettingError
from kiroku.system import SERVICES

NO_BROKER = "KIROKU_AMQP_URL is not set: give the address of a RabbitMQ, amqp://user:password@host/"
NO_RELAY = "there is no part 'relay': each service relays its own log, whichever of its processes holds the lock"
NO_PAIR = (
    "KIROKU_SAML_KEY_FILE and KIROKU_SAML_CERT_FILE are not set: all processes need the same pair, make one with "
    "`openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=kiroku -keyout key.pem -out cert.pem`"
)


def broker_of(settings: Settings) -> Broker:
    """Return the broker of the distributed shape. Raises WrongSettingError."""
    if not settings.amqp_url:
        raise WrongSettingError(NO_BROKER)
    return Broker(settings.amqp_url, settings.amqp_ca, settings.rpc_queues)


def serve_part(settings: Settings, part: str) -> int:
    """Serve until a signal comes. Raises WrongSettingError."""
    if part == "relay":
        raise WrongSettingError(NO_RELAY)
    if part not in (*SERVICES, "gateway", "live"):
        raise WrongSettingError(f"there is no part {part!r}: serve one of {', '.join((*SERVICES, 'gateway', 'live'))}")
    broker = broker_of(settings)
    if not settings.secret and not (settings.home / "secret").exists():
        raise WrongSettingError(
            "KIROKU_SECRET is not set: all processes need the same key, make one with `openssl rand -hex 32`"
        )
    if part in ("gateway", "live"):
        from kiroku.distributed.gateway import serve_gateway

        serve_gateway(settings, broker, only_live=part == "live")
        return 0
    if not settings.database_url:
        raise WrongSettingError("KIROKU_DATABASE_URL is not set: a service needs the address of its PostgreSQL")
    if settings.saml_enabled and not settings.saml_key_file and not (settings.home / "saml").exists():
        raise WrongSettingError(NO_PAIR)
    from kiroku.distributed.host import Host, serve

    start_traces(settings, part)
    url = database_of(database_template_of(settings.database_url), part)
    # The first administrator is written by `kiroku migrate`; a service needs no password of his.
    told = {**service_settings(settings, ""), "store": open_store(storage_of(settings))}
    probe_at = (settings.host, settings.probe_port)

    def make() -> Host:
        limits = {"threads": settings.service_threads, "timeout": settings.rpc_timeout}
        return Host(part, url=url, broker=broker, told=told, **limits)

    serve(make, probe_at)
    return 0
