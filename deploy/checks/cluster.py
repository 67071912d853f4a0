"""The manifests of one overlay as a whole: who refers to whom, and which Secrets there will be."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from deploy.checks.kustomize import Manifest

WORKLOADS = ("Deployment", "Job")


@dataclass
class Cluster:
    """Manifests by kind, and the keys of every Secret that will exist: given by hand or made by an operator."""

    manifests: list[Manifest]
    secrets: dict[str, set[str]] = field(default_factory=dict)

    def of(self, *kinds: str) -> list[Manifest]:
        """Return the manifests of these kinds."""
        return [manifest for manifest in self.manifests if manifest["kind"] in kinds]

    def names(self, kind: str) -> set[str]:
        """Return the names of all manifests of a kind."""
        return {str(manifest["metadata"]["name"]) for manifest in self.of(kind)}

    def pods(self) -> Iterator[tuple[Manifest, Manifest]]:
        """Yield (workload, pod template) of all workloads."""
        for manifest in self.of(*WORKLOADS):
            yield manifest, manifest["spec"]["template"]


def cluster_of(manifests: list[Manifest], examples: list[Manifest]) -> Cluster:
    """Return the cluster of `manifests`; `examples` are the Secrets that people make."""
    secrets = {each["metadata"]["name"]: set(each.get("stringData", {})) for each in examples}
    for manifest in manifests:
        secrets.update(made_secrets(manifest))
    return Cluster(manifests, secrets)


def made_secrets(manifest: Manifest) -> dict[str, set[str]]:
    """Return the Secrets that an operator makes for a manifest, with their keys."""
    name, kind = manifest["metadata"]["name"], manifest["kind"]
    if kind == "RabbitmqCluster":
        keys = {"username", "password", "host", "port", "default_user.conf"}
        return {f"{name}-default-user": keys}
    if kind == "Cluster":
        keys = {"username", "password", "user", "dbname", "host", "port", "uri", "pgpass"}
        return {f"{name}-app": keys, f"{name}-ca": {"ca.crt", "ca.key"}}
    if kind == "Certificate":
        return {manifest["spec"]["secretName"]: {"ca.crt", "tls.crt", "tls.key"}}
    if kind == "Secret":
        return {name: {*manifest.get("stringData", {}), *manifest.get("data", {})}}
    return {}


def walk(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield (name, value) of every field in a manifest, at any depth."""
    if isinstance(value, list):
        for item in value:
            yield from walk(item)
    elif isinstance(value, dict):
        for name, item in value.items():
            yield name, item
            yield from walk(item)


def selects(selector: Manifest, labels: dict[str, str]) -> bool:
    """Tell whether a label selector matches labels. Pure."""
    wanted = selector.get("matchLabels", {})
    if any(labels.get(name) != value for name, value in wanted.items()):
        return False
    for each in selector.get("matchExpressions", ()):
        present = labels.get(each["key"])
        answers = {
            "In": present in each.get("values", ()), "NotIn": present not in each.get("values", ()),
            "Exists": present is not None, "DoesNotExist": present is None,
        }  # fmt: skip
        if not answers[each["operator"]]:
            return False
    return True
