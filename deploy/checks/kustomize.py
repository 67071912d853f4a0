"""Renders a kustomization: by `kubectl kustomize` where there is one, else here, for the features that we use."""

import hashlib
import json
import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from deploy.checks.merging import changed, merged

Manifest = dict[str, Any]
KNOWN = {
    "apiVersion", "kind", "resources", "components", "namespace", "labels", "images", "replicas", "patches",
    "configMapGenerator",
}  # fmt: skip
CLUSTER_WIDE = ("Namespace",)


class RenderError(Exception):
    """A kustomization that cannot be rendered; the text says where and why."""


def render(folder: Path) -> list[Manifest]:
    """Return the manifests of a kustomization by the best means at hand. Raises RenderError."""
    if shutil.which("kubectl"):
        return render_by_kubectl(folder)
    return render_here(folder)


def render_by_kubectl(folder: Path) -> list[Manifest]:
    """Return what `kubectl kustomize` makes of `folder`. Raises RenderError."""
    done = subprocess.run(["kubectl", "kustomize", str(folder)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RenderError(f"{folder}: {done.stderr.strip()}")
    return documents(done.stdout)


def documents(text: str) -> list[Manifest]:
    """Return the documents of a YAML file that hold something."""
    return [document for document in yaml.safe_load_all(text) if document]


def render_here(folder: Path, found: list[Manifest] | None = None) -> list[Manifest]:
    """Return what this module makes of `folder`; a component changes the manifests in `found`. Raises RenderError."""
    told = _read(folder / "kustomization.yaml")[0]
    if unknown := set(told) - KNOWN:
        raise RenderError(f"{folder}: {', '.join(sorted(unknown))} is not known here")
    manifests = list(found or [])
    for name in told.get("resources", ()):
        path = folder / name
        manifests += render_here(path) if path.is_dir() else _read(path)
    manifests += [_config_map(folder, each) for each in told.get("configMapGenerator", ())]
    for name in told.get("components", ()):
        manifests = render_here(folder / name, manifests)
    for patch in told.get("patches", ()):
        manifests = _patched(folder, patch, manifests)
    for manifest in manifests:
        _transform(told, manifest)
    if told["kind"] == "Kustomization":
        _rename(manifests)
    return manifests


def _read(path: Path) -> list[Manifest]:
    try:
        return documents(path.read_text())
    except (OSError, yaml.YAMLError) as problem:
        raise RenderError(f"{path}: {problem}") from None


def _config_map(folder: Path, told: Manifest) -> Manifest:
    data: dict[str, str] = {}
    for name in told.get("envs", ()):
        lines = [line.strip() for line in (folder / name).read_text().splitlines()]
        data |= dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    data |= dict(each.split("=", 1) for each in told.get("literals", ()))
    for name in told.get("files", ()):
        data[Path(name).name] = (folder / name).read_text()
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": told["name"], "annotations": {HASH: "yes"}},
            "data": data}  # fmt: skip


HASH = "kiroku/hash"


def _suffix(manifest: Manifest) -> str:
    """Return the ending that Kustomize gives a generated ConfigMap: part of the digest of its content."""
    content = {"data": manifest["data"], "kind": "ConfigMap", "name": ""}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    text = text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
    digest = hashlib.sha256(text.encode()).hexdigest()[:10]
    return digest.translate(str.maketrans("013ae", "ghkmt"))


def _rename(manifests: list[Manifest]) -> None:
    """Give generated ConfigMaps their final names, also where they are referred to."""
    names = {}
    for manifest in manifests:
        annotations = manifest["metadata"].get("annotations", {})
        if annotations.pop(HASH, None):
            name = manifest["metadata"]["name"]
            names[name] = manifest["metadata"]["name"] = f"{name}-{_suffix(manifest)}"
            if not annotations:
                del manifest["metadata"]["annotations"]
    for manifest in manifests:
        _refer(manifest, names)


def _refer(value: Any, names: dict[str, str]) -> None:
    if isinstance(value, list):
        for item in value:
            _refer(item, names)
    elif isinstance(value, dict):
        for name, item in value.items():
            if name in ("configMapRef", "configMapKeyRef", "configMap") and item.get("name") in names:
                item["name"] = names[item["name"]]
            else:
                _refer(item, names)


def _patched(folder: Path, patch: Manifest, manifests: list[Manifest]) -> list[Manifest]:
    text = (folder / patch["path"]).read_text() if "path" in patch else patch["patch"]
    content, target = yaml.safe_load(text), patch["target"]
    found, hits = [], 0
    for manifest in manifests:
        name = manifest["metadata"]["name"]
        if manifest["kind"] != target["kind"] or not re.fullmatch(target.get("name", ".*"), name):
            found.append(manifest)
            continue
        hits += 1
        if isinstance(content, list):
            found.append(changed(manifest, content))
        else:
            found.append(merged(manifest, {"spec": content["spec"]}))
    if not hits:
        raise RenderError(f"{folder}: a patch changes nothing, its target {target} does not exist")
    return found


def _transform(told: Manifest, manifest: Manifest) -> None:
    metadata = manifest["metadata"]
    template = manifest.get("spec", {}).get("template", {}) if manifest["kind"] in ("Deployment", "Job") else {}
    for labels in told.get("labels", ()):
        wanted = [metadata, template.setdefault("metadata", {})] if template else [metadata]
        for each in wanted if labels.get("includeTemplates") else [metadata]:
            each["labels"] = {**each.get("labels", {}), **labels["pairs"]}
    if "namespace" in told and manifest["kind"] not in CLUSTER_WIDE:
        metadata["namespace"] = told["namespace"]
    for replicas in told.get("replicas", ()):
        if manifest["kind"] == "Deployment" and metadata["name"] == replicas["name"]:
            manifest["spec"]["replicas"] = replicas["count"]
    _images(told.get("images", ()), template)


def _images(images: Iterable[Manifest], template: Manifest) -> None:
    for container in template.get("spec", {}).get("containers", ()):
        for image in images:
            if container.get("image", "").partition(":")[0] == image["name"]:
                container["image"] = f"{image.get('newName', image['name'])}:{image['newTag']}"
