"""Objects of the store on the wire: ranges, validators, caching; streamed, never held in memory."""

import hashlib
from email.utils import format_datetime, parsedate_to_datetime

import falcon

from chassis.errors import NotFound
from chassis.messages import Reply
from chassis.storage import ObjectStore, UnknownObjectError

CACHE = "private, max-age=604800"


def send_file(req: falcon.Request, resp: falcon.Response, store: ObjectStore, reply: Reply) -> None:
    """Answer with the object `reply.file`. Raises NotFound where the store does not have it."""
    key = reply.file or ""
    try:
        size, modified = store.stat(key)
    except UnknownObjectError:
        raise NotFound from None
    etag = hashlib.md5(f"{key} {size} {modified.timestamp()}".encode(), usedforsecurity=False).hexdigest()
    resp.set_header("ETag", f'"{etag}"')
    resp.set_header("Last-Modified", format_datetime(modified.replace(microsecond=0), usegmt=True))
    resp.set_header("Accept-Ranges", "bytes")
    resp.set_header("Cache-Control", reply.headers.get("Cache-Control", CACHE))
    if _fresh(req, etag, modified.timestamp()):
        resp.status = falcon.HTTP_304
        return
    resp.content_type = reply.content_type
    start, end = 0, size
    if req.range and req.range_unit == "bytes":
        start, end = _range(req.range, size)
        resp.status = falcon.HTTP_206
        resp.set_header("Content-Range", f"bytes {start}-{end - 1}/{size}")
    resp.set_stream(store.open(key, start, end), end - start)


def _range(wanted: tuple[int, int], size: int) -> tuple[int, int]:
    start, last = wanted
    if start < 0:
        return max(0, size + start), size
    if start >= size:
        raise falcon.HTTPRangeNotSatisfiable(size)
    return start, size if last < 0 else min(last + 1, size)


def _fresh(req: falcon.Request, etag: str, modified: float) -> bool:
    if req.if_none_match:
        return any(str(each) in ("*", etag) for each in req.if_none_match)
    since = req.get_header("If-Modified-Since")
    try:
        return since is not None and parsedate_to_datetime(since).timestamp() >= int(modified)
    except ValueError:
        return False
