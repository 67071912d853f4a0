"""Large answers that the asker may hold already: then their name travels, and none of their megabytes.

A gateway says in `Request.holds` what it holds of the answer that it asks for, whoever that was for. The service
decides as ever who may have it, and what it is made of; where both are the same, it says so with an empty reply.
"""

import hashlib
from collections.abc import Callable, Hashable, Mapping

from chassis.messages import Reply
from chassis.unit import Unit

JSON = "application/json"


def unless_held(
    unit: Unit,
    what: Hashable,
    revision: str,
    make: Callable[[], bytes],
    *,
    content_type: str = JSON,
    headers: Mapping[str, str] | None = None,
) -> Reply:
    """Return what `make` makes as a reply with a name, or the name alone when who asks holds what is called so.

    `revision` changes with all that it is made of (`etag`); `what` says all else that it depends on, by values whose
    `repr` is the same in every process. For answers that are the same for several people.
    """
    tag = f"{revision}-{hashlib.blake2b(repr(what).encode(), digest_size=12).hexdigest()}"
    same = unit.request.holds == tag
    return Reply(200, b"" if same else make(), content_type, dict(headers or {}), tag=tag, held=same)
