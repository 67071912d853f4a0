"""`python -m deploy.checks`: check everything in deploy/, print the problems, and end with 1 if there are any."""

import sys
from collections.abc import Iterable, Iterator

from deploy.checks import DEPLOY, KUBERNETES, OVERLAYS, ROOT
from deploy.checks.cluster import cluster_of
from deploy.checks.files import compose_problems, image_problems, nginx_problems, requirement_problems
from deploy.checks.kustomize import Manifest, RenderError, documents, render
from deploy.checks.policies import policy_problems
from deploy.checks.references import reference_problems
from deploy.checks.schemas import shape_problems


def manifest_problems(manifests: list[Manifest], examples: list[Manifest]) -> Iterator[str]:
    """Yield what is wrong with rendered manifests; references are looked at only when all shapes are right."""
    broken = False
    for manifest in (*manifests, *examples):
        name = manifest.get("metadata", {}).get("name", "?")
        for problem in shape_problems(manifest):
            broken = True
            yield f"{manifest.get('kind')} {name}: {problem}"
    if not broken:
        cluster = cluster_of(manifests, examples)
        yield from reference_problems(cluster)
        yield from policy_problems(cluster)


def problems() -> Iterator[str]:
    """Yield everything that is wrong in deploy/."""
    examples = documents((KUBERNETES / "secrets.example.yaml").read_text())
    for overlay in OVERLAYS:
        try:
            yield from _in(overlay, manifest_problems(render(KUBERNETES / "overlays" / overlay), examples))
        except RenderError as problem:
            yield f"{overlay}: {problem}"
    requirements, project = (DEPLOY / "requirements.txt").read_text(), (ROOT / "pyproject.toml").read_text()
    yield from _in("Dockerfile", image_problems((DEPLOY / "Dockerfile").read_text()))
    yield from _in("deploy/requirements.txt", requirement_problems(requirements, project))
    here = (ROOT / "requirements.txt").read_text()
    yield from _in("requirements.txt", requirement_problems(here, project, hashed=False, but=frozenset()))
    yield from _in("compose.yaml", compose_problems((DEPLOY / "compose.yaml").read_text(), DEPLOY))
    yield from _in("nginx.conf", nginx_problems((DEPLOY / "nginx.conf").read_text()))


def _in(where: str, found: Iterable[str]) -> Iterator[str]:
    for problem in found:
        yield f"{where}: {problem}"


def main() -> int:
    """Print all problems and return the exit status."""
    found = list(problems())
    for problem in found:
        print(problem, file=sys.stderr)
    print(f"deploy: {len(found)} problems" if found else "deploy: everything fits together")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
