"""Run the recorded cases against a fresh server and print a table.

`python -m tests.contract.runner <base-url> <email> <password> [--route substring] [--saml-url url] [--world]`
"""

import argparse
import sys
import time

from .cases import Result, Route, load_routes, run_route
from .world import World, build_world

MAX_PROBLEMS = 8


def main(arguments: list[str] | None = None) -> int:
    """Build the world, run the chosen routes, print; 0 when every case that ran is as recorded."""
    options = _parser().parse_args(arguments)
    routes = [route for route in load_routes() if options.route in route.label]
    started = time.monotonic()
    world = build_world(options.url, options.email, options.password)
    print(f"world: {len(world.refs)} names in {time.monotonic() - started:.1f} s, {len(world.problems)} problems")
    for problem in world.problems:
        print(f"  ! {problem}")
    if options.world:
        return int(bool(world.problems))
    special = {"saml": options.saml_url} if options.saml_url else {}
    outcomes = [(route, run_route(world, route, special)) for route in routes]
    _print_details(outcomes)
    return _print_table(outcomes, world)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tests.contract.runner", description=__doc__)
    parser.add_argument("url")
    parser.add_argument("email")
    parser.add_argument("password")
    parser.add_argument("--route", default="", help="only routes whose 'NN METHOD /path' holds this text")
    parser.add_argument("--saml-url", default="", help="a server with SAML enabled, for the case that needs one")
    parser.add_argument("--world", action="store_true", help="only build the world")
    return parser


def _print_details(outcomes: list[tuple[Route, tuple[Result, ...]]]) -> None:
    for route, results in outcomes:
        for result in results:
            if result.problems:
                print(f"\nFAILED {route.label} :: {result.case.name} (as {result.case.actor or 'nobody'})")
                for problem in result.problems[:MAX_PROBLEMS]:
                    print(f"    {problem}")
                if len(result.problems) > MAX_PROBLEMS:
                    print(f"    … {len(result.problems) - MAX_PROBLEMS} more")


def _print_table(outcomes: list[tuple[Route, tuple[Result, ...]]], world: World) -> int:
    print()
    passed = skipped = total = 0
    for route, results in outcomes:
        good = sum(1 for result in results if not result.problems and result.skipped is None)
        passed, total = passed + good, total + len(results)
        skipped += sum(1 for result in results if result.skipped is not None)
        mark = " " if good == len(results) else "*"
        print(f"{mark} {good:3d}/{len(results):<3d} {route.service:10s} {route.label}")
    print(f"\n{passed} of {total} cases over {len(outcomes)} routes, {skipped} not run, world problems:", end=" ")
    print(len(world.problems))
    return int(passed + skipped < total)


if __name__ == "__main__":
    sys.exit(main())
