"""The command line: `kiroku run`, `serve`, `run-distributed`, `migrate`, `rebuild`, `backup`, `restore`, `parked`, …"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from psycopg2 import OperationalError

from kiroku.memory import give_memory_back
from kiroku.observing import share_metrics, start_logs
from kiroku.postgres_account import EmbeddedPostgresError
from kiroku.settings import Settings, WrongSettingError, read_settings

Told = argparse.Namespace


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="kiroku", description="A production tracker that speaks the Kitsu API.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("run", help="serve everything on one port")
    commands.add_parser("run-distributed", help="serve everything as processes over RabbitMQ on this machine")
    serving = commands.add_parser("serve", help="serve one part: a service, the gateway, or live events alone")
    serving.add_argument("part")
    commands.add_parser("migrate", help="bring all databases into shape, seed fresh ones, make a missing bucket")
    rebuilding = commands.add_parser("rebuild", help="rebuild the read models of a service from its log")
    rebuilding.add_argument("service")
    backing_up = commands.add_parser("backup", help="write the logs of all services and the media to one archive")
    backing_up.add_argument("file", type=Path)
    backing_up.add_argument("--without-media", action="store_true", help="for a store that is copied by other means")
    restoring = commands.add_parser("restore", help="fill an empty home, or empty databases, from such an archive")
    restoring.add_argument("file", type=Path)
    parked = commands.add_parser("parked", help="events whose reaction failed: list them, or try again")
    parked.add_argument("action", choices=("list", "replay"))
    parked.add_argument("service", nargs="?", help="one service; all of them when not given")
    events = commands.add_parser("events", help="print what happened in a service, oldest first")
    events.add_argument("action", choices=("tail",))
    events.add_argument("--service", required=True)
    events.add_argument("--from", dest="after", type=int, metavar="POSITION", help="after this one; else the last ten")
    events.add_argument("--follow", "-f", action="store_true", help="go on until Ctrl-C")
    events.add_argument("--json", action="store_true", help="CloudEvents, one a line")
    commands.add_parser("doctor", help="look at database, broker, storage, ffmpeg, clock and lag; say what to fix")
    return parser


def _run(settings: Settings, told: Told) -> int:
    share_metrics(settings)
    from kiroku.embedded import run

    run(settings)
    return 0


def _run_distributed(settings: Settings, told: Told) -> int:
    from kiroku.distributed.supervisor import run_distributed

    run_distributed(settings)
    return 0


def _serve(settings: Settings, told: Told) -> int:
    from kiroku.distributed.serving import serve_part

    return serve_part(settings, told.part)


def _migrate(settings: Settings, told: Told) -> int:
    from contextlib import ExitStack

    from kiroku.distributed.supervisor import prepare
    from kiroku.embedded import database_template, storage_of

    if settings.database_url and not settings.admin_password and not (settings.home / "admin.json").exists():
        raise WrongSettingError(
            "KIROKU_ADMIN_PASSWORD is not set: give the first administrator a password, he may change it later"
        )
    with ExitStack() as stack:
        prepare(settings, database_template(settings, stack), serve=False)
    if settings.storage_url.startswith("s3://"):
        from chassis.storage import open_store

        open_store(storage_of(settings)).prepare()
    return 0


def _rebuild(settings: Settings, told: Told) -> int:
    from kiroku.rebuilding import rebuild_service

    return rebuild_service(settings, told.service)


def _backup(settings: Settings, told: Told) -> int:
    from kiroku.backup import back_up

    return back_up(settings, told.file, media=not told.without_media)


def _restore(settings: Settings, told: Told) -> int:
    from kiroku.restore import restore

    return restore(settings, told.file)


def _parked(settings: Settings, told: Told) -> int:
    from kiroku.parked import list_parked, replay_parked

    return (list_parked if told.action == "list" else replay_parked)(settings, told.service)


def _events(settings: Settings, told: Told) -> int:
    from kiroku.tail import tail

    return tail(settings, told.service, after=told.after, follow=told.follow, as_json=told.json)


def _doctor(settings: Settings, told: Told) -> int:
    from kiroku.doctor import doctor

    return doctor(settings)


COMMANDS: dict[str, Callable[[Settings, Told], int]] = {
    "run": _run,
    "run-distributed": _run_distributed,
    "serve": _serve,
    "migrate": _migrate,
    "rebuild": _rebuild,
    "backup": _backup,
    "restore": _restore,
    "parked": _parked,
    "events": _events,
    "doctor": _doctor,
}


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit status."""
    told = _parser().parse_args(arguments)
    try:
        settings = read_settings()
        start_logs(settings)
        give_memory_back()
        return COMMANDS[told.command](settings, told)
    except (WrongSettingError, EmbeddedPostgresError) as wrong:
        print(f"kiroku: {wrong}", file=sys.stderr)
        return 2
    except OperationalError as problem:
        reason = str(problem).strip().partition("\n")[0]
        print(f"kiroku: {reason}: start PostgreSQL, or correct KIROKU_DATABASE_URL", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
