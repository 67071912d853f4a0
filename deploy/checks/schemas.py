"""Shapes of manifests: Kubernetes' own schemas for its kinds, the fields that we rely on for those of operators."""

from typing import Any

import kubernetes_validate

from deploy.checks.kustomize import Manifest

VERSION = "1.31"
OWN_GROUPS = ("", "apps", "batch", "policy", "networking.k8s.io")
# The fields that must be there, by dots; `*` is every item of a list.
OPERATORS: dict[str, tuple[str, ...]] = {
    "keda.sh/v1alpha1 ScaledObject": (
        "spec.scaleTargetRef.name", "spec.minReplicaCount", "spec.maxReplicaCount", "spec.triggers.*.type",
        "spec.triggers.*.metadata",
    ),
    "keda.sh/v1alpha1 TriggerAuthentication": (
        "spec.secretTargetRef.*.parameter", "spec.secretTargetRef.*.name", "spec.secretTargetRef.*.key",
    ),
    "monitoring.coreos.com/v1 ServiceMonitor": (
        "spec.selector.matchLabels", "spec.endpoints.*.port", "spec.endpoints.*.path",
    ),
    "monitoring.coreos.com/v1 PrometheusRule": ("spec.groups.*.name", "spec.groups.*.rules.*.expr"),
    "rabbitmq.com/v1beta1 RabbitmqCluster": (
        "spec.replicas", "spec.image", "spec.persistence.storage", "spec.resources.limits.memory",
    ),
    "postgresql.cnpg.io/v1 Cluster": (
        "spec.instances", "spec.storage.size", "spec.bootstrap.initdb.database", "spec.bootstrap.initdb.owner",
        "spec.postgresql.parameters.max_connections", "spec.resources.limits.memory",
    ),
    "postgresql.cnpg.io/v1 Database": ("spec.name", "spec.owner", "spec.cluster.name"),
    "postgresql.cnpg.io/v1 ScheduledBackup": ("spec.schedule", "spec.cluster.name", "spec.method"),
    "barmancloud.cnpg.io/v1 ObjectStore": ("spec.configuration.destinationPath", "spec.configuration.s3Credentials"),
    "cert-manager.io/v1 Issuer": ("spec",),
    "cert-manager.io/v1 Certificate": ("spec.secretName", "spec.issuerRef.name"),
}  # fmt: skip


def shape_problems(manifest: Manifest) -> list[str]:
    """Return what is wrong with the shape of one manifest."""
    version, kind = str(manifest.get("apiVersion", "")), str(manifest.get("kind", ""))
    if version.rpartition("/")[0] in OWN_GROUPS:
        try:
            kubernetes_validate.validate(manifest, VERSION, strict=True)
        except kubernetes_validate.ValidationError as problem:
            return [f"{'.'.join(map(str, problem.path))}: {problem.message[:300]}"]
        except kubernetes_validate.SchemaNotFoundError:
            return [f"{version} {kind} is unknown to Kubernetes {VERSION}"]
        return []
    fields = OPERATORS.get(f"{version} {kind}")
    if fields is None:
        return [f"{version} {kind} is known neither to Kubernetes nor to deploy/checks/schemas.py"]
    return [f"{field} is missing" for field in fields if not _has(manifest, field.split("."))]


def _has(value: Any, steps: list[str]) -> bool:
    if not steps:
        return value not in (None, "")
    if steps[0] == "*":
        return isinstance(value, list) and bool(value) and all(_has(item, steps[1:]) for item in value)
    return isinstance(value, dict) and steps[0] in value and _has(value[steps[0]], steps[1:])
