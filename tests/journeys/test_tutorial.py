"""The tutorial works when somebody follows it."""

import re
from pathlib import Path

from tests.support.server import running_server

PAGE = Path(__file__).parents[2] / "docs" / "tutorials" / "first-production.md"


def test_every_block_of_the_first_production_runs_as_printed(tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) > 5
    said: list[str] = []
    with running_server() as server:
        text = "\n".join(blocks).replace("http://127.0.0.1:8080", server.url)
        text = text.replace("the password that make run printed", server.password).replace("/tmp/", f"{tmp_path}/")
        exec(compile(text, str(PAGE), "exec"), {"print": lambda *words: said.append(" ".join(map(str, words)))})
    assert said[0] == "['SH010']"
    assert said[1].startswith("Done 20")
    assert len(said) == 6
