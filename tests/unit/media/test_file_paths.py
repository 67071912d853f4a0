"""Paths from file trees."""

import pytest

from contracts.file_trees import FILE_TREES
from services.media.file_paths import Element, MalformedTree, file_name, filled, folder_path

SHOT = {
    "Project": Element("Night Film"),
    "Sequence": Element("SEQ01"),
    "Shot": Element("SH 010"),
    "TaskType": Element("Animation", short_name="anim"),
    "OutputType": Element("Geometry"),
    "Software": Element("Blender"),
    "Name": Element("main"),
    "Revision": Element("", number=7),
    "Instance": Element("hero_0001", id="1-2", number=3),
}


def test_a_path_is_mountpoint_root_and_folder_with_the_separator_given() -> None:
    tree = FILE_TREES["simple"]
    assert folder_path(tree, "working", "shot", SHOT) == (
        "/simple/productions/night_film/shots/seq01/sh_010/animation/blender"
    )
    windows = folder_path(tree, "output", "shot", SHOT, "\\")
    assert windows == "/simple\\productions/export\\night_film\\shots\\seq01\\sh_010\\animation\\geometry"


def test_a_file_name_ends_with_its_revision_and_counts_its_elements() -> None:
    name = file_name(FILE_TREES["simple"], "output", "shot", SHOT, count=12)
    assert name == "night_film_seq01_sh_010_animation_geometry_main_v007_[1-12]"


@pytest.mark.parametrize(
    ("template", "style", "text"),
    [
        ("<Project>", "", "Night_Film"),
        ("<Project>", "uppercase", "NIGHT_FILM"),
        ("<TaskType.short_name>", "", "anim"),
        ("<TaskType.colour>", "", "Animation"),
        ("<Instance.number>-<Instance.id>", "uppercase", "0003-1-2"),
        ("v<Version>_<Revision>", "", "v007_007"),
        ("<OutputFile><WorkingFile><Name>", "", "mainmainmain"),
    ],
)
def test_tags_stand_for_names_short_names_numbers_and_ids(template: str, style: str, text: str) -> None:
    assert filled(template, SHOT, style) == text


def test_accents_become_plain_letters_and_seq_names_short_ones() -> None:
    assert filled("<A>_<B>", {"A": Element("Été à Zürich"), "B": Element("Seq12")}, "lowercase") == "ete_a_zurich_s012"


@pytest.mark.parametrize(
    ("tree", "mode", "kind", "message"),
    [
        (None, "output", "shot", "No tree can be found for given project."),
        (FILE_TREES["simple"], "render", "shot", "Mode render cannot be found on given tree."),
        (FILE_TREES["default"], "output", "instance", ""),
        ({"output": {"folder_path": {"shot": "<Foo>/x"}}}, "output", "shot", "Tag <Foo> is unknown"),
        ({"output": "nonsense"}, "output", "shot", "Mode output cannot be found"),
        ({"output": {"folder_path": []}}, "output", "shot", ""),
    ],
)
def test_a_malformed_tree_is_refused_and_the_tag_is_named(tree: object, mode: str, kind: str, message: str) -> None:
    with pytest.raises(MalformedTree) as refused:
        folder_path(tree, mode, kind, SHOT)
    assert str(refused.value).startswith(message)


@pytest.mark.parametrize("name", FILE_TREES)
@pytest.mark.parametrize("mode", ["working", "output", "preview"])
@pytest.mark.parametrize("kind", ["shot", "asset", "sequence", "scene", "episode"])
def test_the_trees_that_come_along_give_a_path_for_every_kind(name: str, mode: str, kind: str) -> None:
    elements = {**SHOT, **{tag: Element(tag) for tag in ("AssetType", "Asset", "Scene", "Episode")}}
    assert folder_path(FILE_TREES[name], mode, kind, elements).startswith("/simple/productions")
    assert file_name(FILE_TREES[name], mode, kind, elements).startswith("night_film_")
