"""From paths back to tags."""

import pytest

from contracts.file_trees import FILE_TREES
from services.media.file_guess import guesses, texts_of
from services.media.file_paths import Element, file_name, folder_path

SHOT = {
    "Project": Element("Night Film"),
    "Sequence": Element("SEQ 01"),
    "Shot": Element("SH 010"),
    "TaskType": Element("Animation"),
    "Software": Element("Blender"),
    "Name": Element("main"),
    "Revision": Element("", number=7),
}
FOLDER = {"Project": "night_film", "Sequence": "seq_01", "Shot": "sh_010", "TaskType": "animation"}


@pytest.mark.parametrize("separator", ["/", "\\"])
def test_a_path_that_a_tree_gave_is_understood_again(separator: str) -> None:
    tree = FILE_TREES["simple"]
    folder = folder_path(tree, "working", "shot", SHOT, separator)
    [place] = guesses(tree, folder, separator)
    assert place.template == "<Project>/shots/<Sequence>/<Shot>/<TaskType>/<Software>"
    assert place.texts == {**FOLDER, "Software": "blender"}
    [file] = guesses(tree, f"{folder}{separator}{file_name(tree, 'working', 'shot', SHOT)}.blend", separator)
    assert file.template == f"{place.template}/<Project>_<Sequence>_<Shot>_<TaskType>_<Name>_v<Version>"
    assert file.texts == {**place.texts, "Name": "main", "Version": "007"}


@pytest.mark.parametrize(
    "path", ["", "/", "/simple", "/other/productions/a/shots/b/c/d/e", "/simple/productions/a/shots/b", "x" * 5000]
)
def test_other_paths_fit_nothing(path: str) -> None:
    assert guesses(FILE_TREES["simple"], path) == []


@pytest.mark.parametrize("tree", [None, [], {}, {"working": 5}, {"working": {"folder_path": {"shot": 5, "style": ""}}}])
def test_what_is_no_tree_fits_nothing(tree: object) -> None:
    assert guesses(tree, "/simple/productions/a") == []


def test_a_tag_stands_for_the_same_text_everywhere() -> None:
    assert texts_of("<A>_<B>_<A>", "x_y_x") == {"A": "x", "B": "y"}
    assert texts_of("<A>_<B>", "sh_010_anim", {"A": "SH_010"}) == {"A": "SH_010", "B": "anim"}
    assert texts_of("<A>_<B>", "x_y", {"A": "z"}) is None
    assert texts_of("instance_<N>", "instance_") is None


def test_matching_a_long_text_takes_no_long_time() -> None:
    assert texts_of("_".join(f"<T{n}>" for n in range(12)), "_" * 380 + "!") is not None
    assert texts_of("_".join(f"<T{n}>" for n in range(12)) + "end", "_" * 380) is None
