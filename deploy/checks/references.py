"""Dead references: everything that is named must exist, with the key or port that is asked for."""

from collections.abc import Iterator

from deploy.checks.cluster import Cluster, selects, walk
from deploy.checks.kustomize import Manifest

# Fields that name something, and of which kind that is.
NAMING = {
    "configMapRef": "ConfigMap",
    "configMapKeyRef": "ConfigMap",
    "serviceAccountName": "ServiceAccount",
    "scaleTargetRef": "Deployment",
    "authenticationRef": "TriggerAuthentication",
    "issuerRef": "Issuer",
    "barmanObjectName": "ObjectStore",
    "cluster": "Cluster",
}
SECRETS = ("secretRef", "secretKeyRef", "accessKeyId", "secretAccessKey")


def reference_problems(cluster: Cluster) -> Iterator[str]:
    """Yield every reference that leads nowhere, as `<kind> <name>: …`."""
    for manifest in cluster.manifests:
        where = f"{manifest['kind']} {manifest['metadata']['name']}"
        for problem in _named(cluster, manifest):
            yield f"{where}: {problem}"
    yield from _selectors(cluster)
    yield from _ingresses(cluster)
    yield from _mounts(cluster)


def _named(cluster: Cluster, manifest: Manifest) -> Iterator[str]:
    for field, value in walk(manifest):
        if wanted := NAMING.get(field):
            name = value["name"] if isinstance(value, dict) else value
            if name not in cluster.names(wanted):
                yield f"{wanted} {name} does not exist"
        elif field in SECRETS:
            yield from _secret(cluster, value["name"], value.get("key"))
        elif field in ("secretName", "caSecretName") and manifest["kind"] != "Certificate":
            yield from _secret(cluster, value, None)
        elif field == "secretTargetRef":
            for each in value:
                yield from _secret(cluster, each["name"], each["key"])


def _secret(cluster: Cluster, name: str, key: str | None) -> Iterator[str]:
    if name not in cluster.secrets:
        yield f"Secret {name} is made neither by an operator nor by secrets.example.yaml"
    elif key is not None and key not in cluster.secrets[name]:
        yield f"Secret {name} has no key {key}"


def _labels(cluster: Cluster) -> list[dict[str, str]]:
    return [template["metadata"]["labels"] for _, template in cluster.pods()]


def _selectors(cluster: Cluster) -> Iterator[str]:
    """Yield selectors of Services, budgets, policies, monitors and Deployments that match no pod or Service."""
    pods = _labels(cluster)
    for manifest in cluster.of("Service", "PodDisruptionBudget", "NetworkPolicy", "Deployment"):
        spec = manifest["spec"]
        selector = spec.get("podSelector") or spec["selector"]
        if manifest["kind"] == "Service":
            selector = {"matchLabels": selector}
        candidates = [spec["template"]["metadata"]["labels"]] if manifest["kind"] == "Deployment" else pods
        if not any(selects(selector, labels) for labels in candidates):
            yield f"{manifest['kind']} {manifest['metadata']['name']}: its selector matches no pod"
    services = [manifest["metadata"].get("labels", {}) for manifest in cluster.of("Service")]
    for monitor in cluster.of("ServiceMonitor"):
        if not any(selects(monitor["spec"]["selector"], labels) for labels in services):
            yield f"ServiceMonitor {monitor['metadata']['name']}: its selector matches no Service"


def _ingresses(cluster: Cluster) -> Iterator[str]:
    ports = {
        manifest["metadata"]["name"]: {value for port in manifest["spec"]["ports"] for value in port.values()}
        for manifest in cluster.of("Service")
    }
    for ingress in cluster.of("Ingress"):
        for rule in ingress["spec"]["rules"]:
            for path in rule["http"]["paths"]:
                service = path["backend"]["service"]
                wanted = service["port"].get("name", service["port"].get("number"))
                if wanted not in ports.get(service["name"], ()):
                    yield f"Ingress {ingress['metadata']['name']}: there is no Service {service['name']}, port {wanted}"
    for service in cluster.of("Service"):
        for port in service["spec"]["ports"]:
            if not _port_of_pods(cluster, service["spec"]["selector"], port.get("targetPort", port["port"])):
                yield f"Service {service['metadata']['name']}: no pod has the port {port.get('targetPort')}"


def _port_of_pods(cluster: Cluster, labels: dict[str, str], wanted: str | int) -> bool:
    for _, template in cluster.pods():
        if selects({"matchLabels": labels}, template["metadata"]["labels"]):
            for container in template["spec"]["containers"]:
                if any(wanted in (port.get("name"), port["containerPort"]) for port in container.get("ports", ())):
                    return True
    return False


def _mounts(cluster: Cluster) -> Iterator[str]:
    for manifest, template in cluster.pods():
        volumes = {volume["name"] for volume in template["spec"].get("volumes", ())}
        mounted = {mount["name"] for each in template["spec"]["containers"] for mount in each.get("volumeMounts", ())}
        for name in sorted(mounted ^ volumes):
            yield f"{manifest['kind']} {manifest['metadata']['name']}: volume {name} is not both given and mounted"
