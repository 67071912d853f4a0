"""How often strangers may try to sign in: sliding minutes per address, and per address and e-mail."""

from functools import lru_cache, partial
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import falcon

from chassis.errors import DomainError, TooManyRequests
from chassis.messages import Reply, Request
from gateway.identity import Bus
from gateway.tries import Tries

LOCAL = "127.0.0.1,::1"
FORWARDED = frozenset({"HTTP_FORWARDED", "HTTP_X_FORWARDED_FOR", "HTTP_X_REAL_IP"})
TEXT = "Too many tries to sign in from here: wait a moment, then try again."


class SignInLimit:
    """Counts tries: all of an address for one e-mail, and the refused ones of an address.

    Successes of an address for many e-mails, or by an identity provider, are not limited: a whole studio may share one.
    """

    def __init__(self, rate: int = 60, proxies: str = LOCAL, tries: Tries | None = None) -> None:
        """Allow `rate` tries a minute (0: any number); `proxies` are addresses and networks, by commas.

        `tries` may be shared with other processes; by default they are this one's own.
        """
        self._rate = rate
        self._tries = tries or Tries()
        trusted = [ip_network(each.strip(), strict=False) for each in proxies.split(",") if each.strip()]
        self._is_trusted = lru_cache(1024)(partial(_within, networks=trusted))

    def address_of(self, req: falcon.Request) -> str:
        """Return the address that a request comes from: the last one that no trusted proxy has."""
        if FORWARDED.isdisjoint(req.env):
            return str(req.remote_addr)
        route: list[str] = list(req.access_route)
        for address in reversed(route):
            if not self._is_trusted(address):
                return address
        return route[0] if route else ""

    def call(self, bus: Bus, request: Request) -> Reply:
        """Return the reply of `bus`. Raises TooManyRequests, and what the operation raises."""
        if not self._rate:
            return bus.call(request)
        address, email = request.headers.get("ip", ""), _email(request)
        refused = f"refused {address}"
        _refuse(self._tries.seconds_left(refused, self._rate))
        if email:
            _refuse(self._tries.hit(f"asked {request.operation} {address} {email}", self._rate))
        try:
            reply = bus.call(request)
        except DomainError:
            self._tries.hit(refused, self._rate)
            raise
        if reply.status >= 400:
            self._tries.hit(refused, self._rate)
        return reply


def _refuse(seconds: int) -> None:
    if seconds:
        raise TooManyRequests(TEXT, retry_after=seconds)


def _email(request: Request) -> str:
    given = request.body if isinstance(request.body, dict) else request.form or {}
    return str(given.get("email") or request.one("email") or "").strip().lower()[:255]


def _within(address: str, networks: list[IPv4Network | IPv6Network]) -> bool:
    try:
        found: IPv4Address | IPv6Address = ip_address(address)
    except ValueError:
        return False
    return any(found in network for network in networks if network.version == found.version)
