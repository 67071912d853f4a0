"""What every pod of ours must have, and what the whole must add up to."""

import re
from collections.abc import Iterator

from deploy.checks.cluster import Cluster, selects
from deploy.checks.kustomize import Manifest
from kiroku.settings import Settings, WrongSettingError, read_settings
from kiroku.system import SERVICES

CA = "KIROKU_AMQP_CA"
PARTS = (*SERVICES, "gateway", "live")
PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
# Connections of a service process beside its calls: feed, relay, follower, background work, probe.
FURTHER_CONNECTIONS = 6
# Connections that PostgreSQL keeps for its superuser, replication and operators.
RESERVED_CONNECTIONS = 50
DRAIN_SECONDS = 45


def policy_problems(cluster: Cluster) -> Iterator[str]:
    """Yield what is missing or contradicts itself, as `<kind> <name>: …`."""
    for manifest, template in cluster.pods():
        where = f"{manifest['kind']} {manifest['metadata']['name']}"
        for container in template["spec"]["containers"]:
            probes = _probes(container) if manifest["kind"] == "Deployment" else ()
            for problem in (*_container(container), *probes, *_settings(cluster, container)):
                yield f"{where}, container {container['name']}: {problem}"
        for problem in (*_pod(manifest["kind"], template["spec"]), *_around(cluster, manifest, template)):
            yield f"{where}: {problem}"
    yield from _parts(cluster)
    yield from _scaling(cluster)
    yield from _connections(cluster)


def _container(container: Manifest) -> Iterator[str]:
    resources = container.get("resources", {})
    for field, names in (("requests", ("cpu", "memory")), ("limits", ("memory", "ephemeral-storage"))):
        for name in names:
            if name not in resources.get(field, {}):
                yield f"resources.{field}.{name} is missing"
    context = container.get("securityContext", {})
    if context.get("allowPrivilegeEscalation") is not False:
        yield "securityContext.allowPrivilegeEscalation must be false"
    if not context.get("readOnlyRootFilesystem"):
        yield "securityContext.readOnlyRootFilesystem must be true"
    if context.get("capabilities", {}).get("drop") != ["ALL"]:
        yield "securityContext.capabilities.drop must be [ALL]"
    image = str(container.get("image", ""))
    if ":" not in image.rpartition("/")[2] or image.endswith(":latest"):
        yield f"image {image!r} has no fixed tag"


def _probes(container: Manifest) -> Iterator[str]:
    ports = {port.get("name") for port in container.get("ports", ())}
    for probe in PROBES:
        asked = container.get(probe, {}).get("httpGet")
        if not asked:
            yield f"{probe} is missing"
        elif isinstance(asked["port"], str) and asked["port"] not in ports:
            yield f"{probe} asks port {asked['port']}, which the container does not have"
        elif asked["path"] != ("/health/live" if probe == "livenessProbe" else "/health/ready"):
            yield f"{probe} asks {asked['path']}"


def _pod(kind: str, spec: Manifest) -> Iterator[str]:
    context = spec.get("securityContext", {})
    if not context.get("runAsNonRoot"):
        yield "securityContext.runAsNonRoot must be true"
    if context.get("seccompProfile", {}).get("type") != "RuntimeDefault":
        yield "securityContext.seccompProfile must be RuntimeDefault"
    if spec.get("automountServiceAccountToken") is not False:
        yield "automountServiceAccountToken must be false"
    if spec.get("enableServiceLinks") is not False:
        yield "enableServiceLinks must be false: a Service's variables would be read as settings"
    if kind == "Deployment" and spec.get("terminationGracePeriodSeconds", 30) < DRAIN_SECONDS:
        yield f"terminationGracePeriodSeconds must be {DRAIN_SECONDS} or more, for calls to drain"


def _around(cluster: Cluster, manifest: Manifest, template: Manifest) -> Iterator[str]:
    labels = template["metadata"]["labels"]
    denied = {
        direction
        for policy in cluster.of("NetworkPolicy")
        if selects(policy["spec"]["podSelector"], labels)
        for direction in policy["spec"]["policyTypes"]
    }
    if denied != {"Ingress", "Egress"}:
        yield "no NetworkPolicy closes it in both directions"
    budgets = [b for b in cluster.of("PodDisruptionBudget") if selects(b["spec"]["selector"], labels)]
    if manifest["kind"] == "Deployment" and len(budgets) != 1:
        yield f"{len(budgets)} PodDisruptionBudgets are for it, there must be one"


def _given(cluster: Cluster, container: Manifest) -> tuple[dict[str, str], set[str]]:
    """Return the variables of a container that stand in the manifests, and the names of those in Secrets."""
    given: dict[str, str] = {}
    secret: set[str] = set()
    for source in container.get("envFrom", ()):
        if "configMapRef" in source:
            for each in cluster.of("ConfigMap"):
                if each["metadata"]["name"] == source["configMapRef"]["name"]:
                    given |= each["data"]
        else:
            secret |= cluster.secrets.get(source["secretRef"]["name"], set())
    for each in container.get("env", ()):
        if "value" in each:
            given[each["name"]] = each["value"]
            secret.discard(each["name"])
        else:
            secret.add(each["name"])
    return given, secret


def _settings(cluster: Cluster, container: Manifest) -> Iterator[str]:
    """Read the container's settings as the process will; Secrets count as right."""
    given, secret = _given(cluster, container)
    known = {f"KIROKU_{name.upper()}" for name in Settings.__dataclass_fields__}
    for name in sorted({*given, *secret}):
        if name.startswith("KIROKU_") and name.removesuffix("_FILE") not in known:
            yield f"{name} is not a setting"
    # Files of mounted Secrets are not on this machine: that they are mounted is all that can be seen here.
    places = [mount["mountPath"] for mount in container.get("volumeMounts", ())]
    for path in (
        given.get("KIROKU_AMQP_CA"),
        *re.findall(r"sslrootcert=([^&]*)", given.get("KIROKU_DATABASE_URL", "")),
    ):
        if path and path.rpartition("/")[0] not in places:
            yield f"{path} is in no mounted volume"
    there = {name: _without_files(value) for name, value in given.items() if name != CA}
    try:
        read_settings(there)
    except WrongSettingError as wrong:
        yield str(wrong)
    part = container.get("args", [""])[-1]
    needed = {"KIROKU_SECRET", "KIROKU_STORAGE_URL"} | ({"KIROKU_AMQP_URL"} if part != "migrate" else set())
    needed |= {"KIROKU_DATABASE_URL"} if part not in ("gateway", "live") else set()
    for name in sorted(needed - given.keys() - secret):
        yield f"nothing gives it {name}"


def _without_files(value: str) -> str:
    return re.sub(r"sslmode=verify-(full|ca)", "sslmode=require", re.sub(r"&?sslrootcert=[^&]*", "", value))


def _parts(cluster: Cluster) -> Iterator[str]:
    commands = {tuple(each["args"]) for _, pod in cluster.pods() for each in pod["spec"]["containers"]}
    for part in PARTS:
        if ("serve", part) not in commands:
            yield f"no Deployment serves {part}"
    for command in sorted(commands - {("serve", part) for part in PARTS} - {("migrate",)}):
        yield f"{' '.join(command)} is no command of the image"
    if ("migrate",) not in commands:
        yield "no Job migrates the databases"


def _scaling(cluster: Cluster) -> Iterator[str]:
    scaled = [each["spec"]["scaleTargetRef"]["name"] for each in cluster.of("ScaledObject")]
    for name in sorted({name for name in scaled if scaled.count(name) > 1}):
        yield f"Deployment {name}: two ScaledObjects scale it"
    if scaled:
        for name in sorted(cluster.names("Deployment") - set(scaled)):
            yield f"Deployment {name}: no ScaledObject scales it"
    yield from _queues(cluster)
    for deployment in cluster.of("Deployment"):
        if deployment["metadata"]["name"] in scaled and "replicas" in deployment["spec"]:
            yield f"Deployment {deployment['metadata']['name']}: replicas are set, but its ScaledObject decides"


def _queues(cluster: Cluster) -> Iterator[str]:
    """Yield the queues that scale something but are read by no process of it."""
    suffix = _queue_suffix(cluster)
    for each in cluster.of("ScaledObject"):
        for trigger in each["spec"]["triggers"]:
            queue = trigger["metadata"].get("queueName")
            part = each["metadata"]["name"].removeprefix("kiroku-")
            if queue and queue not in (f"kiroku.rpc.{part}{suffix}", f"kiroku.rpc.{part}.inner{suffix}"):
                yield f"ScaledObject {each['metadata']['name']}: no process reads the queue {queue}"


def _queue_suffix(cluster: Cluster) -> str:
    kinds = {
        each.get("value")
        for _, pod in cluster.pods()
        for container in pod["spec"]["containers"]
        for each in container.get("env", ())
        if each["name"] == "KIROKU_RPC_QUEUES"
    }
    return ".quorum" if "quorum" in kinds else ""


def _connections(cluster: Cluster) -> Iterator[str]:
    """Compare what all processes may open with what the database lets in."""
    threads = int(next((c["data"].get("KIROKU_SERVICE_THREADS", "8") for c in cluster.of("ConfigMap")), "8"))
    most = sum(
        each["spec"]["maxReplicaCount"]
        for each in cluster.of("ScaledObject")
        if each["metadata"]["name"].removeprefix("kiroku-") in SERVICES
    )
    wanted = most * (2 * threads + FURTHER_CONNECTIONS) + RESERVED_CONNECTIONS
    for database in cluster.of("Cluster"):
        allowed = int(database["spec"]["postgresql"]["parameters"]["max_connections"])
        if wanted > allowed:
            name = database["metadata"]["name"]
            yield f"Cluster {name}: {most} processes may open {wanted} connections, not {allowed}"
