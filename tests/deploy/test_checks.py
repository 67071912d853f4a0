"""`make deploy-check`: what is right passes, and each thing that is broken on purpose is found."""

import shutil
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
import yaml

from deploy.checks import DEPLOY, KUBERNETES, OVERLAYS, ROOT
from deploy.checks.__main__ import manifest_problems, problems
from deploy.checks.files import compose_problems, image_problems, nginx_problems, requirement_problems
from deploy.checks.kustomize import RenderError, documents, render_by_kubectl, render_here

Manifests = list[dict[str, Any]]
EXAMPLES = documents((KUBERNETES / "secrets.example.yaml").read_text())
LARGE = render_here(KUBERNETES / "overlays" / "large")


def one(manifests: Manifests, kind: str, name: str) -> dict[str, Any]:
    return next(each for each in manifests if each["kind"] == kind and each["metadata"]["name"] == name)


def container(manifests: Manifests, name: str = "kiroku-tasks") -> dict[str, Any]:
    found: dict[str, Any] = one(manifests, "Deployment", name)["spec"]["template"]["spec"]["containers"][0]
    return found


def without(kind: str, name: str) -> Callable[[Manifests], None]:
    return lambda manifests: manifests.remove(one(manifests, kind, name))


def env(manifests: Manifests, name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in container(manifests)["env"] if each["name"] == name)
    return found


def test_everything_in_deploy_is_right() -> None:
    assert list(problems()) == []


@pytest.mark.parametrize("overlay", OVERLAYS)
@pytest.mark.skipif(shutil.which("kubectl") is None, reason="nothing to compare with without kubectl")
def test_our_renderer_gives_what_kubectl_gives(overlay: str) -> None:
    def ordered(manifests: Manifests) -> Manifests:
        return sorted(manifests, key=lambda each: (each["kind"], each["metadata"]["name"]))

    folder = KUBERNETES / "overlays" / overlay
    assert ordered(render_here(folder)) == ordered(render_by_kubectl(folder))


BROKEN: list[tuple[Callable[[Manifests], Any], str]] = [
    (lambda m: container(m).pop("readinessProbe"), "readinessProbe is missing"),
    (lambda m: container(m)["livenessProbe"]["httpGet"].update(port="web"), "asks port web"),
    (lambda m: container(m)["livenessProbe"]["httpGet"].update(path="/health/ready"), "livenessProbe asks"),
    (lambda m: container(m)["resources"].pop("limits"), "resources.limits.memory is missing"),
    (lambda m: container(m)["resources"]["requests"].pop("cpu"), "resources.requests.cpu is missing"),
    (lambda m: container(m).update(image="kiroku:latest"), "no fixed tag"),
    (lambda m: container(m)["securityContext"].pop("readOnlyRootFilesystem"), "readOnlyRootFilesystem"),
    (lambda m: container(m).update(args=["serve", "task"]), "no Deployment serves tasks"),
    (lambda m: container(m).update(replica=1), "replica"),
    (lambda m: container(m)["env"].append({"name": "KIROKU_COLOUR", "value": "x"}), "KIROKU_COLOUR is not a setting"),
    (lambda m: env(m, "KIROKU_AMQP_URL").update(value="http://mq/"), "KIROKU_AMQP_URL is not the address"),
    (lambda m: env(m, "KIROKU_AMQP_CA").update(value="/etc/other/ca.crt"), "is in no mounted volume"),
    (lambda m: container(m)["env"].remove(env(m, "PGUSER")) or container(m).pop("envFrom"), "gives it KIROKU_SECRET"),
    (
        lambda m: env(m, "PGUSER")["valueFrom"]["secretKeyRef"].update(key="login"),
        "Secret kiroku-postgres-app has no key login",
    ),
    (
        lambda m: env(m, "PGUSER")["valueFrom"]["secretKeyRef"].update(name="other"),
        "Secret other is made neither",
    ),
    (lambda m: container(m)["volumeMounts"].pop(), "is not both given and mounted"),
    (without("ConfigMap", next(e["metadata"]["name"] for e in LARGE if e["kind"] == "ConfigMap")), "does not exist"),
    (without("PodDisruptionBudget", "kiroku-tasks"), "0 PodDisruptionBudgets"),
    (
        lambda m: [without("NetworkPolicy", name)(m) for name in ("kiroku-nothing", "kiroku-out")],
        "no NetworkPolicy closes it in both directions",
    ),
    (without("ServiceAccount", "kiroku"), "ServiceAccount kiroku does not exist"),
    (without("Service", "kiroku-live"), "there is no Service kiroku-live"),
    (without("Job", "kiroku-migrate"), "no Job migrates"),
    (without("Deployment", "kiroku-tasks"), "Deployment kiroku-tasks does not exist"),
    (without("ScaledObject", "kiroku-tasks"), "no ScaledObject scales it"),
    (without("TriggerAuthentication", "kiroku-rabbitmq"), "TriggerAuthentication kiroku-rabbitmq does not exist"),
    (without("ObjectStore", "kiroku-backup"), "ObjectStore kiroku-backup does not exist"),
    (without("Service", "kiroku-processes"), "matches no Service"),
    (lambda m: one(m, "Service", "kiroku-gateway")["spec"]["selector"].update(a="b"), "its selector matches no pod"),
    (
        lambda m: one(m, "Service", "kiroku-gateway")["spec"]["ports"][0].update(targetPort="web"),
        "no pod has the port web",
    ),
    (
        lambda m: one(m, "ScaledObject", "kiroku-tasks")["spec"]["triggers"][0]["metadata"].update(
            queueName="rpc-tasks"
        ),
        "no process reads the queue rpc-tasks",
    ),
    (lambda m: one(m, "ScaledObject", "kiroku-tasks")["spec"].update(maxReplicaCount=60), "may open"),
    (lambda m: one(m, "ScaledObject", "kiroku-tasks")["spec"].pop("triggers"), "spec.triggers.*.type is missing"),
    (lambda m: one(m, "Cluster", "kiroku-postgres").update(apiVersion="postgresql.cnpg.io/v9"), "is known neither"),
    (
        lambda m: one(m, "Deployment", "kiroku-tasks")["spec"]["template"]["spec"].update(enableServiceLinks=True),
        "enableServiceLinks must be false",
    ),
]


@pytest.mark.parametrize(("change", "words"), BROKEN, ids=[words for _, words in BROKEN])
def test_a_broken_manifest_is_found(change: Callable[[Manifests], Any], words: str) -> None:
    manifests = deepcopy(LARGE)
    change(manifests)
    found = list(manifest_problems(manifests, EXAMPLES))
    assert any(words in problem for problem in found), found


def test_a_patch_without_a_target_and_an_unknown_feature_are_refused(tmp_path: Any) -> None:
    head = {"kind": "Kustomization", "apiVersion": "kustomize.config.k8s.io/v1beta1"}
    patch = {"target": {"kind": "Deployment", "name": "gone"}, "patch": "[{op: remove, path: /spec}]"}
    for told, words in (({"patches": [patch]}, "its target"), ({"helmCharts": []}, "helmCharts")):
        (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump({**head, **told}))
        with pytest.raises(RenderError, match=words):
            render_here(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("USER 10001:10001", "USER root", "numeric user"),
        ("HEALTHCHECK", "LABEL x=y #", "no HEALTHCHECK"),
        ('ENTRYPOINT ["python", "-m", "kiroku.cli"]', "ENTRYPOINT python -m kiroku.cli", "no ENTRYPOINT as a list"),
        ("--require-hashes", "--index-url x", "package index"),
        ("--require-hashes", "", "--require-hashes"),
        ("COPY gateway", "COPY gatway", "COPY gatway"),
        ("python:3.11-slim-bookworm", "python", "no fixed tag"),
    ],
)
def test_a_broken_dockerfile_is_found(old: str, new: str, words: str) -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    assert old in text
    assert any(words in problem for problem in image_problems(text.replace(old, new)))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("falcon==4.4.0", "falcon==4.3.0", "falcon is 4.3.0, wanted 4.4.0"),
        ("falcon==4.4.0", "falcon>=4.4.0", "is not pinned"),
        ("boto3==", "boto9==", "boto3 is missing"),
        ("# What", "--index-url x\n# What", "address"),
    ],
)
def test_broken_requirements_are_found(old: str, new: str, words: str) -> None:
    text, project = (DEPLOY / "requirements.txt").read_text(), (ROOT / "pyproject.toml").read_text()
    assert any(words in problem for problem in requirement_problems(text.replace(old, new, 1), project))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("command: [serve, tasks]", "command: [serve, task]", "nothing serves tasks"),
        ("  read_only: true", "  read_only: false", "must be read_only"),
        ("image: rabbitmq:4-management-alpine", "image: rabbitmq", "no fixed tag"),
        ("./nginx.conf:", "./nginx.cfg:", "./nginx.cfg does not exist"),
        ('volumes: ["scratch:/tmp"]', 'volumes: ["scrap:/tmp"]', "volume scrap does not exist"),
        ("live: {condition", "alive: {condition", "depends on alive"),
        ("KIROKU_AMQP_URL: amqp:", "KIROKU_AMQP_URL: http:", "KIROKU_AMQP_URL is not the address"),
        ("KIROKU_AMQP_URL: amqp", "KIROKU_AMQP_URI: amqp", "did you mean KIROKU_AMQP_URL"),
        ("AWS_SECRET_ACCESS_KEY: ${", "AWS_SECRET_ACCESS_KEY: a${", "instead of being asked for"),
    ],
)
def test_a_broken_compose_file_is_found(old: str, new: str, words: str) -> None:
    text = (DEPLOY / "compose.yaml").read_text()
    assert old in text
    assert any(words in problem for problem in compose_problems(text.replace(old, new), DEPLOY))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("            proxy_buffering off;", "            proxy_set_header A b;", "forget the headers"),
        ("proxy_request_buffering off;", "proxy_request_buffering off", "semicolon"),
        ("client_max_body_size 0;", "", "client_max_body_size"),
        ("events {", "events", "brace"),
    ],
)
def test_a_broken_nginx_file_is_found(old: str, new: str, words: str) -> None:
    text = (DEPLOY / "nginx.conf").read_text()
    assert old in text
    assert any(words in problem for problem in nginx_problems(text.replace(old, new)))
