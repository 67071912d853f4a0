"""Passwords: bcrypt, which leaves the interpreter free while it works; comparison takes the same time for all."""

import os

import bcrypt

COST = int(os.environ.get("KIROKU_BCRYPT_COST", "12"))
# Compared against when nobody has the e-mail, so that time does not tell who exists.
_NOBODY = "$2b$12$C6UzMDM.H6dfI/f/IKcEeO7ZBQp6JX5ZcVZAAaYw3fWSsHEDBwBQG"
LONGEST = 72


def hashed(password: str) -> str:
    """Return the bcrypt hash of `password` (its first 72 bytes, as bcrypt reads)."""
    return bcrypt.hashpw(password.encode()[:LONGEST], bcrypt.gensalt(COST)).decode()


def matches(password: str, stored: str | None) -> bool:
    """Tell whether `password` is the one behind `stored`; as slow without one."""
    same = bcrypt.checkpw(password.encode()[:LONGEST], (stored or _NOBODY).encode())
    return same and stored is not None
