"""Traces by OpenTelemetry, off unless `start` is called: gateway, calls, operations and SQL as spans of one trace."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from chassis.prepared import GatheringCursor

_OFF: AbstractContextManager[Any] = nullcontext()
_tracer: Any = None


def start(url: str, name: str, exporter: Any = None) -> Callable[[], None]:
    """Send spans of the process `name` to the OTLP receiver at `url`, or to `exporter`; return what ends that.

    Needs the packages of the extra `traces`.
    """
    global _tracer  # noqa: PLW0603
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": name}))
    exporter = exporter or OTLPSpanExporter(endpoint=f"{url.rstrip('/')}/v1/traces")
    provider.add_span_processor(BatchSpanProcessor(exporter))
    _tracer = provider.get_tracer("kiroku")

    def stop() -> None:
        global _tracer  # noqa: PLW0603
        _tracer = None
        provider.shutdown()

    return stop


def enabled() -> bool:
    """Tell whether spans are recorded."""
    return _tracer is not None


def span(name: str, headers: dict[str, str] | None = None, **attributes: str) -> AbstractContextManager[Any]:
    """Return a span for a `with` block; it continues the trace that `headers` carry when none is open here."""
    if _tracer is None:
        return _OFF
    from opentelemetry import propagate, trace

    inside = trace.get_current_span().get_span_context().is_valid
    context = None if inside or not headers else propagate.extract(headers)
    found: AbstractContextManager[Any] = _tracer.start_as_current_span(name, context=context, attributes=attributes)
    return found


def inner(name: str, **attributes: str) -> AbstractContextManager[Any]:
    """Return a span for a `with` block where one is open already: background work alone makes no traces."""
    if _tracer is None:
        return _OFF
    from opentelemetry import trace

    return span(name, None, **attributes) if trace.get_current_span().get_span_context().is_valid else _OFF


def carry(headers: dict[str, str]) -> None:
    """Write the trace of the open span into `headers`, for another process."""
    if _tracer is not None:
        from opentelemetry import propagate

        propagate.inject(headers)


class TracedCursor(GatheringCursor):
    """A cursor whose statements are spans while traces are on."""

    def execute(self, query: Any, vars: Any = None) -> None:
        """Run a statement."""
        if _tracer is None:
            return super().execute(query, vars)
        text = query if isinstance(query, str) else str(query)
        with inner("SQL", **{"db.system": "postgresql", "db.statement": text}):
            return super().execute(query, vars)


def cursor_options() -> dict[str, Any]:
    """Return what a connection must be told so that its statements are traced; nothing while traces are off."""
    return {} if _tracer is None else {"cursor_factory": TracedCursor}
