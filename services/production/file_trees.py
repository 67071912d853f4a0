"""File trees of projects, and the softwares whose files they place."""

from chassis.binding import Id
from chassis.errors import Invalid
from chassis.operations import command
from chassis.policy import nobody
from chassis.resources import Record
from chassis.unit import Unit
from contracts.access import project_managers
from contracts.file_trees import FILE_TREES


@command(allow=project_managers)
def set_file_tree(unit: Unit, project_id: Id, *, tree_name: str) -> Record:
    """Give a project one of the file trees that come with Kiroku: default or simple.

    Raises Invalid for another name. Source: POST /actions/projects/{project_id}/set-file-tree.
    """
    tree = FILE_TREES.get(tree_name)
    if tree is None:
        raise Invalid(f"There is no file tree called {tree_name}: choose one of {', '.join(FILE_TREES)}.")
    return unit.update(unit.need("project", project_id), {"file_tree": tree})


@command(allow=nobody)
def make_software(unit: Unit, *, name: str, short_name: str, file_extension: str) -> Record:
    """Return the software called `name`, created when there is none; asked by media."""
    # The first files of several artists may ask at the same time.
    unit.rows("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"software {name}",))
    found = unit.first("software", "t.name = %s", (name,))
    facts = {"name": name, "short_name": short_name, "file_extension": file_extension}
    return found or unit.create("software", facts)
