"""The generated pages of the reference."""

import pytest

from kiroku.reference import FOLDER, PAGES


@pytest.mark.parametrize("name", PAGES)
def test_the_reference_says_what_the_code_does(name: str) -> None:
    assert (FOLDER / name).read_text() == PAGES[name](), "stale: run `make docs`"
