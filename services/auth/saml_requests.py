"""Ids of SAML requests that are known again in their answers, without a table of requests under way."""

import hmac
import secrets
import time

REQUEST_SECONDS = 600


def new_request_id(secret: str) -> str:
    """Return an id for a request that we recognise in its answer for ten minutes, without keeping it."""
    plain = f"k{int(time.time()):x}-{secrets.token_hex(12)}"
    return f"{plain}-{_seal(secret, plain)}"


def is_own_request(secret: str, id_: object) -> bool:
    """Tell whether `id_` was made by `new_request_id` in the last ten minutes."""
    plain, _, seal = str(id_).rpartition("-")
    if not plain.isascii() or not seal.isascii() or not hmac.compare_digest(seal, _seal(secret, plain)):
        return False
    return 0 <= time.time() - int(plain[1:].partition("-")[0], 16) <= REQUEST_SECONDS


def _seal(secret: str, plain: str) -> str:
    return hmac.new(secret.encode(), f"saml request {plain}".encode(), "sha256").hexdigest()[:32]
