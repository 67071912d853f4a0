"""Walk a studio's day on a running server, with gazu.

    pip install gazu==1.3.1 pillow
    python examples/production_day.py --host http://127.0.0.1:8080 --email admin@example.com --password …

Every step is a small function in `examples/day/`: read them in the order of `STEPS`. Each says in one line what it
did, and stops the day when the server answers something else than Kitsu's API promises. The names carry a random
suffix, so it can be run as often as you like.
"""

import argparse
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

if not __package__:  # run as a file: the repository's root is not on the path yet
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from examples.day import STEPS, Day, Step, WrongAnswerError
from examples.day.materials import draw_pictures, make_movie, write_spreadsheet


def run(
    base_url: str,
    email: str,
    password: str,
    *,
    pictures: list[Path],
    movie: Path | None,
    csv: Path,
    on_midday: Callable[[], None] | None = None,
    steps: Sequence[Step] = STEPS,
) -> Day:
    """Run the steps against a server and return the day; raise WrongAnswerError with the step's name when one fails.

    csv: assets, with semicolons, as `tests/support/csv_files.py` and `day/materials.py` write them. on_midday is
    called between two steps and may restart the server on the same address.
    """
    day = Day(base_url, email, password, pictures, csv, movie, on_midday)
    try:
        for step in steps:
            _walk(step, day)
    finally:
        _go_home(day)
    return day


def _walk(step: Step, day: Day) -> None:
    name = step.__name__.replace("_", " ")
    started = time.monotonic()
    try:
        line = step(day)
    except WrongAnswerError as error:
        raise WrongAnswerError(f"{name}: {error}") from error
    except Exception as error:
        # A refusal by gazu names the path and the message, but not the step.
        raise WrongAnswerError(f"{name}: {type(error).__name__}: {error}") from error
    print(f"{name:28s} {time.monotonic() - started:6.2f} s  {line}", flush=True)


def _go_home(day: Day) -> None:
    for ears in day.ears.values():
        ears.close()
    for client in day.clients.values():
        client.session.close()
    day.session.close()
    shutil.rmtree(day.folder, ignore_errors=True)


def main(arguments: list[str] | None = None) -> int:
    """Run the day from the command line; 0 when the server did all of it right."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--host", default="http://127.0.0.1:8080", help="address of the server")
    parser.add_argument("--email", required=True, help="e-mail of an administrator")
    parser.add_argument("--password", required=True)
    parser.add_argument("--picture", type=Path, action="append", help="a picture to publish (repeatable)")
    parser.add_argument("--movie", type=Path, help="a movie to publish")
    parser.add_argument("--csv", type=Path, help="a spreadsheet of assets")
    options = parser.parse_args(arguments)
    # The first Day only lends its folder, so that drawn material goes away with it.
    lender = Day(options.host, options.email, options.password, [], Path())
    try:
        run(
            options.host,
            options.email,
            options.password,
            pictures=options.picture or draw_pictures(lender.folder),
            movie=options.movie or make_movie(lender.folder),
            csv=options.csv or write_spreadsheet(lender.folder, lender.suffix),
        )
    except WrongAnswerError as error:
        print(f"\nSTOPPED in {error}", file=sys.stderr)
        return 1
    finally:
        _go_home(lender)
    print("\nThe day is done.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
