"""What a fresh install holds of people: the organisation, departments and the first administrator."""

from chassis.passwords import hashed
from chassis.unit import Unit

DEPARTMENTS = (
    ("Modeling", "#78909C"),
    ("Animation", "#009688"),
    ("FX", "#26C6DA"),
    ("Compositing", "#F06292"),
    ("Concept", "#8D6E63"),
    ("Layout", "#7CB342"),
)


def seed(unit: Unit) -> None:
    """Write the first records."""
    unit.create("organisation", {"name": "Kitsu"}, live=[])
    for name, color in DEPARTMENTS:
        unit.create("department", {"name": name, "color": color}, live=[])
    email, password = unit.setting("admin_email"), unit.setting("admin_password")
    if email and password:
        admin = {"first_name": "Super", "last_name": "Admin", "email": email.lower(), "role": "admin", "active": True}
        # The first administrator has empty texts where other people have nothing, as in the reference.
        admin |= {"phone": "", "desktop_login": ""}
        unit.create("person", {**admin, "password": hashed(password)}, live=[])
