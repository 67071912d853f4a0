"""Whether a service is well: asked before traffic is sent its way."""

from typing import Any

from chassis.operations import query
from chassis.policy import nobody
from chassis.unit import Unit


@query(allow=nobody)
def check_health(unit: Unit) -> dict[str, Any]:
    """Return {position, parked}: the newest position of the log, and how many events wait for somebody's help."""
    [(position, parked)] = unit.rows("SELECT position, (SELECT count(*) FROM log.parked) FROM log.head")
    return {"position": position, "parked": parked}
