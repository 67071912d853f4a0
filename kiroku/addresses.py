"""Addresses of databases: one template with `{service}` in it, whatever was given. Pure."""

from urllib.parse import urlsplit, urlunsplit

PLACE = "{service}"


def database_template_of(url: str) -> str:
    """Return `url` with `{service}` in it: the database `kiroku_{service}` where none was named; options stay."""
    if PLACE in url:
        return url
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"/kiroku_{PLACE}"))


def database_of(template: str, service: str) -> str:
    """Return the address of one service's database."""
    return template.replace(PLACE, service)
