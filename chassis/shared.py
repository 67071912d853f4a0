"""Lists that are the same for everybody who asks: read once, and kept by the process while nothing in them changes.

Whether something has changed is read together with what is the asker's own, in one statement: so it holds for changes
by any process, and nothing is ever older than that statement.
"""

from chassis.reading import Part
from chassis.unit import Unit

REVISIONS = "_revisions"


class SharedLists:
    """Lists by name. Their kinds must not belong to projects, nor their conditions to the asker."""

    def __init__(self, **parts: Part) -> None:
        """Share the lists that `parts` describe."""
        self._parts = parts
        kinds = sorted({part.kind for part in parts.values()})
        # One text for all, so that no row at all is a revision, too.
        self._revisions = Part(
            "scopes", "t.scope = ANY(%s)", "t.scope", (kinds,), cell="t.scope || ' ' || t.revision", schema="log"
        )

    def read(self, unit: Unit, **own: Part) -> dict[str, bytes]:
        """Return the JSON arrays of the shared lists and of the asker's `own`, by name.

        For queries alone: what a transaction has written and not committed has no revision.
        """
        found = unit.lists(**own, **{REVISIONS: self._revisions})
        revisions = found.pop(REVISIONS)
        for part in self._parts.values():
            unit.reads(part)
        kept = unit.memory.get(self)
        if kept is None or kept[0] != revisions:
            # What changes between both statements is read here already, and once more by whoever asks next.
            self._check(unit)
            kept = unit.memory[self] = (revisions, unit.lists(**self._parts))
        return {**kept[1], **found}

    def _check(self, unit: Unit) -> None:
        """Raise where a change of a kind moves the revision of its project instead of its own."""
        for part in self._parts.values():
            if "project_id" in unit.resource(part.kind).by_name:
                raise RuntimeError(f"lists of {part.kind} cannot be shared: it belongs to projects")
