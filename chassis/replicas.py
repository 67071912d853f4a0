"""What a service asks of its replicas: the records of other services that it keeps, and how far they have come."""

from collections.abc import Iterable, Mapping
from typing import Protocol


class Replicas(Protocol):
    """The replicas of one service. Positions are those of their owners' logs, by the owner's name."""

    def meet(self, needs: Mapping[str, int]) -> None:
        """Catch up with every owner whose needed position is not reached yet (P5)."""
        ...

    def behind(self, news: Mapping[str, int]) -> Mapping[str, list[str]]:
        """Return by owner the kinds of which more was answered than is known here."""
        ...

    def keep_up(self, owners: Iterable[str]) -> None:
        """Catch up with `owners` where that can be done."""
        ...

    def reached(self) -> Mapping[str, int]:
        """Return the positions that were reached, as far as this process knows."""
        ...

    def look_again(self, since: Mapping[str, int]) -> bool:
        """Catch up with every owner; tell whether there is more now than at the positions `since`."""
        ...


class NoReplicas:
    """What there is until somebody follows: nothing."""

    def meet(self, needs: Mapping[str, int]) -> None:
        """Do nothing."""

    def behind(self, news: Mapping[str, int]) -> Mapping[str, list[str]]:
        """Return that nothing is late."""
        return {}

    def keep_up(self, owners: Iterable[str]) -> None:
        """Do nothing."""

    def reached(self) -> Mapping[str, int]:
        """Return no position."""
        return {}

    def look_again(self, since: Mapping[str, int]) -> bool:
        """Return that there is nothing more."""
        return False
