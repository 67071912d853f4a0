"""Paths from file trees: templates such as `<Project>/shots/<Sequence>/<Shot>`, filled in. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from slugify import slugify

TAG = re.compile(r"<([^<>]*)>")
SEQUENCE = re.compile(r"Seq(\d+)")
KINDS = ("shot", "asset", "sequence", "scene", "episode")
WORDS = {"Version": "Revision", "WorkingFile": "Name", "OutputFile": "Name"}


class MalformedTree(ValueError):
    """A tree that cannot give the path; the text says why, in the contract's words where it has some."""


@dataclass(frozen=True)
class Element:
    """What a tag stands for."""

    name: str
    id: str = ""
    short_name: str = ""
    number: int | None = None


Elements = Mapping[str, Element]


def mode_of(tree: Any, mode: str) -> dict[str, Any]:
    """Return the part of `tree` for `mode`. Raises MalformedTree."""
    if not isinstance(tree, dict) or not tree:
        raise MalformedTree("No tree can be found for given project.")
    found = tree.get(mode)
    if not isinstance(found, dict):
        raise MalformedTree(f"Mode {mode} cannot be found on given tree.")
    return found


def folder_path(tree: Any, mode: str, kind: str, elements: Elements, separator: str = "/") -> str:
    """Return mountpoint, root and folder of files of `kind`, joined by `separator`. Raises MalformedTree."""
    part = mode_of(tree, mode)
    template = _template(part, "folder_path", kind)
    folder = separator.join(filled(each, elements, _style(part, "folder_path")) for each in template.split("/"))
    return separator.join([str(part.get("mountpoint", "")), str(part.get("root", "")), folder])


def file_name(tree: Any, mode: str, kind: str, elements: Elements, count: int = 1) -> str:
    """Return the name, without extension, of a file of `kind`; `count` elements add `_[1-n]`. Raises MalformedTree."""
    part = mode_of(tree, mode)
    name = filled(_template(part, "file_name", kind), elements, _style(part, "file_name"))
    return f"{name}_[1-{count}]" if count > 1 else name


def filled(template: str, elements: Elements, style: str = "") -> str:
    """Return `template` with its tags filled in and `style` (lowercase, uppercase) applied. Raises MalformedTree."""
    parts = []
    last = 0
    for found in TAG.finditer(template):
        parts += [_styled(template[last : found.start()], style), _value(found.group(1), elements, style)]
        last = found.end()
    return "".join([*parts, _styled(template[last:], style)])


def _value(tag: str, elements: Elements, style: str) -> str:
    word, _, suffix = tag.partition(".")
    word = WORDS.get(word, word)
    element = elements.get(word)
    if element is None:
        raise MalformedTree(f"Tag <{tag}> is unknown or stands for nothing here.")
    if suffix == "id":
        return element.id
    if suffix == "number":
        return f"{element.number or 0:04d}"
    if word == "Revision":
        return f"{element.number or 0:03d}"
    text = element.short_name if suffix == "short_name" and element.short_name else element.name
    sequence = SEQUENCE.fullmatch(text)
    return _styled(f"S{int(sequence.group(1)):03d}" if sequence else slug(text), style)


def slug(text: str) -> str:
    """Return `text` as paths carry it: plain letters and digits, the rest as `_`."""
    return slugify(text, separator="_", lowercase=False)


def _styled(text: str, style: str) -> str:
    return {"lowercase": text.lower(), "uppercase": text.upper()}.get(style, text)


def _template(part: dict[str, Any], what: str, kind: str) -> str:
    templates = part.get(what)
    found = templates.get(kind) if isinstance(templates, dict) else None
    if not isinstance(found, str):
        raise MalformedTree
    return found


def _style(part: dict[str, Any], what: str) -> str:
    return str(part[what].get("style", ""))
