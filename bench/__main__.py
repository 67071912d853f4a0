"""Measure one or two Kitsu-compatible servers: `python -m bench http URL [URL2] --email … --password …`.

`python -m bench kernel` measures append, projection, rebuild and the RPC hop on their own; `python -m bench tables URL`
the sums over 100,000 tasks and 100,000 time spents.
"""

import argparse
import importlib
import sys
from pathlib import Path

from bench.load import SHAPES, Api, load
from bench.machine import RECORDED_MS, constant_answer_ms
from bench.processes import family, find_pids, listening
from bench.report import document, save, table
from bench.run import Server, run_all
from bench.scenarios import CHANGES, READS, Size
from bench.special import run_special

AMQP_PORT = 5672


def main(arguments: list[str] | None = None) -> int:
    """Run a bench; 0 when every scenario that ran got answers."""
    given = sys.argv[1:] if arguments is None else arguments
    if given[:1] in (["kernel"], ["tables"]):
        return int(importlib.import_module(f"bench.{given[0]}").main(given[1:]))
    options = parser().parse_args(given)
    size: Size = options.size
    servers = [_server(options, number, url) for number, url in enumerate(options.urls)]
    scenarios = [one for one in (*READS, *CHANGES) if options.only in one.name]
    before = constant_answer_ms()
    results = run_all(servers, scenarios, options.seconds)
    figures = [] if options.no_special else run_special(servers, size, options.seconds, options.only)
    after = constant_answer_ms()
    print(f"machine: a constant answer through gunicorn took {before:.2f} ms before and {after:.2f} ms after", end=" ")
    print(f"({RECORDED_MS} ms is on record for the machine of the peer)")
    for server in servers:
        counts = ", ".join(f"{count} {name}" for name, count in server.world.counts.items())
        print(f"{server.name}: {server.api.url}, {counts}, loaded in {server.world.loaded_in_seconds:.0f} s")
    print(table(results, figures, size))
    if options.json:
        save(options.json, document(servers, results, figures, size, (before, after)))
    return int(any(not run.latencies for result in results for run in result.runs.values()))


def parser() -> argparse.ArgumentParser:
    """Return the command line of the HTTP bench."""
    made = argparse.ArgumentParser(prog="bench", description=(__doc__ or "").splitlines()[0])
    modes = made.add_subparsers(required=True)
    http = modes.add_parser("http", help="load a production through public routes and measure")
    http.add_argument("urls", nargs="+", metavar="URL", help="one or two base URLs")
    http.add_argument("--size", choices=sorted(SHAPES), default="small")
    http.add_argument("--email", required=True, help="an administrator of the servers")
    http.add_argument("--password", required=True)
    http.add_argument("--email2", help="of the second server, when it differs")
    http.add_argument("--password2")
    http.add_argument("--names", default="first,second", help="names of the servers in the table")
    http.add_argument("--pids", default="", help="process ids of the first server; found by its port when not given")
    http.add_argument("--pids2", default="", help="the same of the second server")
    http.add_argument("--broker", default="", metavar="URL", help="a broker of this machine whose CPU is the first's")
    http.add_argument("--seconds", type=float, default=4.0, help="time of each measurement")
    http.add_argument("--only", default="", help="only scenarios whose name holds this text")
    http.add_argument("--no-special", action="store_true", help="leave out import, upload, crowd, events, memory")
    http.add_argument("--json", type=Path, help="write the results to this file")
    modes.add_parser("kernel", help="append, projection, rebuild, RPC hop")
    modes.add_parser("tables", help="sums over 100,000 tasks and time spents")
    return made


def _server(options: argparse.Namespace, number: int, url: str) -> Server:
    second = number > 0
    email = (options.email2 if second else None) or options.email
    password = (options.password2 if second else None) or options.password
    api = Api(url, email, password)
    given = [int(pid) for pid in (options.pids2 if second else options.pids).split(",") if pid]
    names = options.names.split(",")
    name = names[number] if number < len(names) else f"server {number + 1}"
    brokers = listening(options.broker, AMQP_PORT) if options.broker and not second else []
    return Server(name, api, load(api, options.size), family(given) if given else find_pids(url), brokers)


if __name__ == "__main__":
    sys.exit(main())
