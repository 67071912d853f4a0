"""From paths back to what they are about: which templates a path fits, and the texts their tags hold. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from services.media.file_paths import TAG

# What files keep of their path; a longer one was never made here, and matching takes time.
LONGEST = 400


@dataclass(frozen=True)
class Guess:
    """A template that a path fits: the texts of its tags, as written in the template, and the style they are in."""

    template: str
    texts: Mapping[str, str] = field(default_factory=dict)


def guesses(tree: Any, path: str, separator: str = "/") -> list[Guess]:
    """Return the templates of all modes that `path`, a folder or a file in it, fits; in the order of the tree."""
    if not isinstance(tree, dict) or len(path) > LONGEST:
        return []
    parts = path.replace(separator or "/", "/").split("/")
    found: dict[str, Guess] = {}
    for folder, name, root in _templates(tree):
        guess = _fitting(folder, name, root, parts)
        if guess is not None:
            found.setdefault(guess.template, guess)
    return list(found.values())


def _templates(tree: dict[str, Any]) -> Iterator[tuple[str, str, list[str]]]:
    """Yield folder template, file name template (empty without one) and the parts of mountpoint and root."""
    for mode in tree.values():
        folders = mode.get("folder_path") if isinstance(mode, dict) else None
        if not isinstance(folders, dict):
            continue
        names = mode.get("file_name")
        root = f"{mode.get('mountpoint', '')}/{mode.get('root', '')}".split("/")
        for kind, folder in folders.items():
            if kind != "style" and isinstance(folder, str):
                name = names.get(kind) if isinstance(names, dict) else None
                yield folder, name if isinstance(name, str) else "", root


def _fitting(folder: str, name: str, root: list[str], parts: list[str]) -> Guess | None:
    templates = [*root, *folder.split("/")]
    more = len(parts) - len(templates)
    if more not in (0, 1) or (more and not name):
        return None
    if more:
        # The extension is no part of the template.
        parts = [*parts[:-1], parts[-1].rpartition(".")[0] or parts[-1]]
        templates.append(name)
    texts: dict[str, str] = {}
    for template, text in zip(templates, parts, strict=True):
        fitting = texts_of(template, text, texts)
        if fitting is None:
            return None
        texts = fitting
    return Guess(f"{folder}/{name}" if more else folder, texts)


def texts_of(template: str, text: str, known: Mapping[str, str] | None = None) -> dict[str, str] | None:
    """Return the text of each tag of `template` in `text`, those `known` included; None when it does not fit.

    Letter case makes no difference. Where a text can be cut in more than one way, the first tags take the least.
    """
    # For each place in the text that the template so far can end at, what its tags then hold.
    ends: dict[int, dict[str, str]] = {0: dict(known or {})}
    last = 0
    for tag in TAG.finditer(template):
        ends = _after_literal(ends, template[last : tag.start()], text)
        ends = _after_tag(ends, tag.group(1), text)
        last = tag.end()
    return _after_literal(ends, template[last:], text).get(len(text))


def _after_literal(ends: dict[int, dict[str, str]], literal: str, text: str) -> dict[int, dict[str, str]]:
    wanted, length = literal.lower(), len(literal)
    return {end + length: texts for end, texts in ends.items() if text[end : end + length].lower() == wanted}


def _after_tag(ends: dict[int, dict[str, str]], tag: str, text: str) -> dict[int, dict[str, str]]:
    found: dict[int, dict[str, str]] = {}
    for end, texts in ends.items():
        if tag in texts:
            for place, kept in _after_literal({end: texts}, texts[tag], text).items():
                found.setdefault(place, kept)
            continue
        for place in range(end + 1, len(text) + 1):
            if place not in found:
                found[place] = {**texts, tag: text[end:place]}
    return found
