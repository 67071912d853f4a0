"""Operations under observation: metrics, log records and spans tell the same request."""

import logging
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import REGISTRY

from chassis import tracing
from chassis.errors import NotFound
from chassis.gauges import StateCollector
from chassis.logs import CURRENT, JsonFormatter, TextFormatter
from chassis.messages import Actor, Reply, Request
from chassis.observed import Observed
from tests.support.logged import logged

REQUEST = Request("library.read_book", actor=Actor(person_id="p1", role="user"), request_id="r1")


def counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, {"service": "library", "operation": "read_book", **labels}) or 0.0


def a_record(level: int = logging.WARNING, **more: Any) -> logging.LogRecord:
    record = logging.LogRecord("chassis.x", level, "x.py", 1, "it %s", ("happened",), None)
    vars(record).update(more)
    return record


def test_an_operation_is_timed_and_a_refusal_is_told_from_a_failure() -> None:
    before = counted("kiroku_operation_seconds_count")
    refused, failed = (counted("kiroku_operation_failures_total", outcome=name) for name in ("refused", "failed"))
    with Observed("library", "read_book", REQUEST):
        pass
    for problem in (NotFound(), ZeroDivisionError()):
        with pytest.raises(type(problem)), Observed("library", "read_book", REQUEST):
            raise problem
    assert counted("kiroku_operation_seconds_count") == before + 3
    assert counted("kiroku_operation_failures_total", outcome="refused") == refused + 1
    assert counted("kiroku_operation_failures_total", outcome="failed") == failed + 1


def test_a_record_written_during_an_operation_names_request_actor_and_operation() -> None:
    with Observed("library", "read_book", REQUEST):
        line = orjson.loads(JsonFormatter().format(a_record()))
    assert line["message"] == "it happened"
    assert line["level"] == "warning"
    told = {name: line[name] for name in ("request_id", "actor", "service", "operation")}
    assert told == {"request_id": "r1", "actor": "p1", "service": "library", "operation": "library.read_book"}
    assert CURRENT.get() is None


def test_at_info_each_operation_leaves_its_position_and_time() -> None:
    with logged(logging.INFO, "chassis.observed") as records, Observed("library", "read_book", REQUEST) as observed:
        observed.reply = Reply(positions={"library": 7})
    (record,) = records
    told = vars(record)
    assert (told["position"], told["outcome"]) == (7, "ok")
    assert told["seconds"] > 0


def test_people_at_a_terminal_read_text() -> None:
    line = TextFormatter().format(a_record(operation="library.read_book"))
    assert line.endswith("warning chassis.x: it happened operation=library.read_book")


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    stop = tracing.start("", "test", exporter)
    yield exporter
    stop()


def test_one_trace_runs_through_gateway_call_and_operation(spans: InMemorySpanExporter) -> None:
    request = Request("library.read_book", request_id="r1")
    with tracing.span("GET /books"), tracing.inner("call library.read_book"):
        tracing.carry(request.headers)
    elsewhere = Request("library.read_book", headers=dict(request.headers))
    with Observed("library", "read_book", elsewhere), tracing.inner("SQL"):
        pass
    tracing._tracer.span_processor.force_flush()
    found = {span.name: span for span in spans.get_finished_spans()}
    assert set(found) == {"GET /books", "call library.read_book", "library.read_book", "SQL"}
    assert len({span.context.trace_id for span in found.values()}) == 1
    assert found["library.read_book"].parent.span_id == found["call library.read_book"].context.span_id
    assert found["SQL"].parent.span_id == found["library.read_book"].context.span_id


def test_background_work_makes_no_traces(spans: InMemorySpanExporter) -> None:
    with tracing.inner("SQL"):
        pass
    tracing._tracer.span_processor.force_flush()
    assert spans.get_finished_spans() == ()


def test_without_a_receiver_nothing_is_traced_or_carried() -> None:
    headers: dict[str, str] = {}
    with tracing.span("GET /books"):
        tracing.carry(headers)
    assert headers == {}
    assert tracing.cursor_options() == {}


def test_a_database_that_does_not_answer_is_reported_and_spoils_nothing_else() -> None:
    class Away:
        class database:  # noqa: N801
            @staticmethod
            def run(statement: str) -> None:
                raise OSError("connection refused")

    states = StateCollector()
    states.watch({"library": Away()}, {}, relays=True)  # type: ignore[dict-item]
    (family,) = states.collect()
    assert [(sample.name, sample.value) for sample in family.samples] == [("kiroku_database_up", 0)]
