"""The command line: `kiroku run`, `kiroku rebuild <service>`."""

import argparse
import sys

from kiroku.settings import WrongSettingError, read_settings


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit status."""
    parser = argparse.ArgumentParser(prog="kiroku", description="A production tracker that speaks the Kitsu API.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("run", help="serve everything on one port")
    rebuilding = commands.add_parser("rebuild", help="rebuild the read models of a service from its log")
    rebuilding.add_argument("service")
    told = parser.parse_args(arguments)
    try:
        settings = read_settings()
    except WrongSettingError as wrong:
        print(f"kiroku: {wrong}", file=sys.stderr)
        return 2
    if told.command == "run":
        from kiroku.embedded import run

        run(settings)
        return 0
    from kiroku.rebuilding import rebuild_service

    return rebuild_service(settings, told.service)


if __name__ == "__main__":
    sys.exit(main())
