"""`kiroku serve <part>`: one service, or the gateway."""

from chassis.storage import open_store
from kiroku.embedded import admin_of, service_settings, storage_of
from kiroku.settings import Settings, WrongSettingError
from kiroku.system import SERVICES


def serve_part(settings: Settings, part: str) -> int:
    """Serve until a signal comes. Raises WrongSettingError."""
    if not settings.amqp_url:
        raise WrongSettingError(
            "KIROKU_AMQP_URL is not set: give the address of a RabbitMQ, amqp://user:password@host/"
        )
    if part == "gateway":
        from kiroku.distributed.gateway import serve_gateway

        serve_gateway(settings)
        return 0
    if part not in SERVICES:
        raise WrongSettingError(f"there is no part {part!r}: serve one of {', '.join((*SERVICES, 'gateway'))}")
    if not settings.database_url:
        raise WrongSettingError("KIROKU_DATABASE_URL is not set: a service needs the address of its PostgreSQL")
    from kiroku.distributed.host import Host, serve

    base = settings.database_url.rstrip("/")
    template = base if "{service}" in base else f"{base}/kiroku_{{service}}"
    admin = admin_of(settings)
    told = {
        **service_settings(settings, admin["password"]), "admin_email": admin["email"],
        "store": open_store(storage_of(settings)),
    }  # fmt: skip
    serve(
        lambda: Host(
            part, url=template.format(service=part), amqp_url=settings.amqp_url, told=told, timeout=settings.rpc_timeout
        )
    )
    return 0
