"""CSV files as Kitsu's users know them: semicolons, CRLF, a header first, a name made of what is inside."""

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

from chassis.messages import Reply

FORMAT: dict[str, Any] = {"delimiter": ";", "lineterminator": "\r\n"}


def written(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """Return the content of a CSV file. Pure."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, **FORMAT)
    writer.writerow(head)
    writer.writerows(rows)
    return text.getvalue().encode()


def file(name: str, content: bytes) -> Reply:
    """Return a CSV file called `kitsu_<slug of name>.csv`."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")
    headers = {"Content-Disposition": f"attachment; filename=kitsu_{slug}.csv"}
    return Reply(200, content, "text/csv; charset=utf-8", headers)


def sheet(name: str, head: Sequence[str], rows: Iterable[Sequence[Any]]) -> Reply:
    """Return a CSV file called `kitsu_<slug of name>.csv` with these rows."""
    return file(name, written(head, rows))
