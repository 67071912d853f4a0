"""How often strangers may try to sign in: sliding minutes per address, and per address and e-mail."""

import time
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import falcon
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from chassis.errors import DomainError, TooManyRequests
from chassis.messages import Reply, Request
from gateway.identity import Bus

LOCAL = "127.0.0.1,::1"
TEXT = "Too many tries to sign in from here: wait a moment, then try again."


class SignInLimit:
    """Counts tries in this process: all of an address for one e-mail, and the refused ones of an address.

    Successes of an address for many e-mails, or by an identity provider, are not limited: a whole studio may share one.
    """

    def __init__(self, rate: int = 60, proxies: str = LOCAL) -> None:
        """Allow `rate` tries a minute (0: any number); `proxies` are addresses and networks, by commas."""
        self._rate = RateLimitItemPerMinute(rate) if rate else None
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._proxies = [ip_network(each.strip(), strict=False) for each in proxies.split(",") if each.strip()]

    def address_of(self, req: falcon.Request) -> str:
        """Return the address that a request comes from: the last one that no trusted proxy has."""
        route: list[str] = list(req.access_route)
        for address in reversed(route):
            if not _within(address, self._proxies):
                return address
        return route[0] if route else ""

    def call(self, bus: Bus, request: Request) -> Reply:
        """Return the reply of `bus`. Raises TooManyRequests, and what the operation raises."""
        if self._rate is None:
            return bus.call(request)
        address, email = request.headers.get("ip", ""), _email(request)
        asked = ("asked", request.operation, address, email)
        refused = ("refused", address)
        if not self._limiter.test(self._rate, *refused):
            self._refuse(self._rate, refused)
        if email and not self._limiter.hit(self._rate, *asked):
            self._refuse(self._rate, asked)
        try:
            reply = bus.call(request)
        except DomainError:
            self._limiter.hit(self._rate, *refused)
            raise
        if reply.status >= 400:
            self._limiter.hit(self._rate, *refused)
        return reply

    def _refuse(self, rate: RateLimitItemPerMinute, key: tuple[str, ...]) -> None:
        until = self._limiter.get_window_stats(rate, *key).reset_time
        raise TooManyRequests(TEXT, retry_after=max(1, int(until - time.time()) + 1))


def _email(request: Request) -> str:
    given = request.body if isinstance(request.body, dict) else request.form or {}
    return str(given.get("email") or request.one("email") or "").strip().lower()[:255]


def _within(address: str, networks: list[IPv4Network | IPv6Network]) -> bool:
    try:
        found: IPv4Address | IPv6Address = ip_address(address)
    except ValueError:
        return False
    return any(found in network for network in networks if network.version == found.version)
