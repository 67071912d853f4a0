"""Dashboard and alerts ask for metrics that exist."""

import json
import re
from pathlib import Path

import yaml
from prometheus_client import REGISTRY

import kiroku.distributed.host  # noqa: F401
from chassis.gauges import FAMILIES

DEPLOY = Path(__file__).parents[3] / "deploy"
FOLDER = DEPLOY / "observability"
WORD = re.compile(r"\bkiroku_\w+")


def known() -> set[str]:
    names = {name for name, _, _ in FAMILIES.values()}
    for family in REGISTRY.collect():
        ends = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("_total",)}.get(family.type, ("",))
        names |= {family.name + end for end in ends}
    return names


def test_the_dashboard_asks_for_metrics_that_there_are() -> None:
    board = json.loads((FOLDER / "dashboard.json").read_text())
    asked = {word for panel in board["panels"] for target in panel["targets"] for word in WORD.findall(target["expr"])}
    assert len(asked) > 12
    assert asked <= known()


def test_every_alert_asks_for_metrics_that_there_are_and_says_what_to_do() -> None:
    (group,) = yaml.safe_load((FOLDER / "alerts.yaml").read_text())["groups"]
    for rule in group["rules"]:
        assert set(WORD.findall(rule["expr"])) <= known(), rule
        assert rule["annotations"]["action"]
        assert rule["labels"]["severity"] in ("warning", "critical")


def test_the_rules_for_the_prometheus_operator_are_the_same() -> None:
    plain = yaml.safe_load((FOLDER / "alerts.yaml").read_text())
    rule = yaml.safe_load((DEPLOY / "kubernetes" / "components" / "monitoring" / "rules.yaml").read_text())
    assert (rule["kind"], rule["spec"]) == ("PrometheusRule", plain)
