"""Refusals a caller can act on: one table from error to HTTP status and body."""

from collections.abc import Mapping
from typing import Any

FORBIDDEN_TEXT = (
    "You don't have the permission to access the requested resource. "
    "It is either read-protected or not readable by the server."
)
NOT_FOUND_TEXT = (
    "404 Not Found: The requested URL was not found on the server. "
    "If you entered the URL manually please check your spelling and try again."
)


class DomainError(Exception):
    """A refusal with a stable code, a message that says what to fix, and an HTTP status."""

    status = 400
    code = "request.refused"

    def __init__(self, message: str = "", *, code: str = "", data: Any = None, body: Mapping[str, Any] | None = None):
        """Keep `message`; `body` replaces the contract's usual body where a route has its own shape."""
        super().__init__(message)
        self.message = message
        self.code = code or self.code
        self.data = data
        self._body = body

    def body(self) -> dict[str, Any]:
        """Return the JSON body clients get."""
        return dict(self._body) if self._body is not None else self.default_body()

    def default_body(self) -> dict[str, Any]:
        """Return the contract's usual body for this kind of refusal."""
        return {"error": True, "message": self.message}


class Invalid(DomainError):
    """400 for a parameter that the application refuses: {error, message, data}."""

    code = "parameter.invalid"

    def default_body(self) -> dict[str, Any]:
        """Return {error, message, data}."""
        return {"error": True, "message": self.message, "data": self.data}


class InvalidBody(Invalid):
    """400 for a body that does not fit its schema: data.errors lists field and message."""

    code = "body.invalid"

    def __init__(self, errors: list[dict[str, str]]):
        """Keep `errors`, each {field, message}."""
        super().__init__("Validation error.", data={"errors": errors})


class Refused(DomainError):
    """400 for what the stored records forbid in generic CRUD (unique clash, missing parent): {message}."""

    code = "record.refused"

    def default_body(self) -> dict[str, Any]:
        """Return {message}."""
        return {"message": self.message}


class UnknownParent(Refused):
    """400 for a link to a record that is not known here."""

    code = "record.unknown-parent"


class BadRequest(DomainError):
    """400 in the short shape {error, message}: broken JSON, bad filters, missing file part."""

    code = "request.bad"


class Unauthorized(DomainError):
    """401: token absent, revoked or expired: {msg}."""

    status = 401
    code = "token.missing"

    def default_body(self) -> dict[str, Any]:
        """Return {msg}."""
        return {"msg": self.message}


class WrongToken(Unauthorized):
    """422: token malformed or of the wrong kind: {msg}."""

    status = 422
    code = "token.malformed"


class Forbidden(DomainError):
    """403: the access rule of the operation is not met."""

    status = 403
    code = "access.forbidden"

    def __init__(self, message: str = FORBIDDEN_TEXT, **kwargs: Any):
        """Use the fixed permission sentence unless told otherwise."""
        super().__init__(message, **kwargs)


class NotFound(DomainError):
    """404: unknown record, path or file."""

    status = 404
    code = "record.unknown"

    def __init__(self, message: str = NOT_FOUND_TEXT, **kwargs: Any):
        """Use the contract's sentence unless told otherwise."""
        super().__init__(message, **kwargs)


class Conflict(DomainError):
    """409: the request clashes with work that is under way."""

    status = 409
    code = "request.conflict"


class TooManyRequests(DomainError):
    """429: too many tries; `retry_after` seconds from now the next one is heard."""

    status = 429
    code = "request.too_many"

    def __init__(self, message: str = "", *, retry_after: int = 1, **kwargs: Any):
        """Keep how long to wait."""
        super().__init__(message, **kwargs)
        self.retry_after = retry_after


class PreconditionFailed(DomainError):
    """412: If-Match names a version that is no longer the current one."""

    status = 412
    code = "version.outdated"


class UnsupportedMediaType(DomainError):
    """415: the route insists on application/json."""

    status = 415
    code = "content_type.unsupported"


class TooSlow(DomainError):
    """408: the client fell silent in the middle of its request."""

    status = 408
    code = "request.too_slow"


class Unavailable(DomainError):
    """503: a lock or a service could not be had in time; nothing was changed."""

    status = 503
    code = "service.unavailable"


class Superseded(Unavailable):
    """503: another release serves the database now; nothing was changed, and one of its processes can do it."""

    def __init__(self) -> None:
        """Say so."""
        super().__init__("Another release of Kiroku serves this database now: try again.")


class VersionConflict(Exception):
    """Another transaction appended to the same stream first; the decision is taken again."""
