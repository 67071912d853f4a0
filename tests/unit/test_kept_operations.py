"""Answers of kept queries are used for up to a minute, so they are made of records alone: not of the time, nor of what
else a key does not tell (`chassis.answers.key_of`)."""

import inspect
import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest

from chassis.operations import Operation
from chassis.policy import Policy
from kiroku.system import specs

OURS = ("services.", "contracts.", "chassis.policy", "chassis.crud", "chassis.filters", "chassis.listing")
# The clock, settings, and what of a request is no part of a key.
OTHER = re.compile(r"\.now\b|\.moment\b|\bnow\(\)|today|time\.time|\bsetting\(|\.headers\b|\.claims\b|request_id")
# It answers 202 and 404, and neither is kept.
KNOWN = {"_not_yet"}
KEPT = {f"{name}.{op.name}": op for name, spec in specs().items() for op in spec.operations().values() if op.kept}


def parts_of(function: Any) -> list[Any]:
    """Return what the source of a function names, and what is bound to it."""
    bound = getattr(function, "__self__", None)
    names = inspect.getclosurevars(getattr(function, "__func__", function))
    methods = [getattr(bound, name, None) for name in names.unbound]
    return [*names.globals.values(), *names.nonlocals.values(), *methods, getattr(bound, "visible", None)]


@cache
def suspect_lines(function: Callable[..., Any]) -> list[str]:
    """Return the lines of a function that look at something else."""
    lines = [] if function.__name__ in KNOWN else inspect.getsource(function).splitlines()
    return [f"{function.__module__}.{function.__qualname__}: {line.strip()}" for line in lines if OTHER.search(line)]


def functions_of(operation: Operation) -> Iterator[Callable[..., Any]]:
    """Yield the functions of ours that a query and its policy are made of, found by what their sources name."""
    waiting, seen = [operation.run, operation.allow], set[Any]()
    while waiting:
        each: Any = waiting.pop()
        each = each.check if isinstance(each, Policy) else each
        ours = (inspect.isfunction(each) or inspect.ismethod(each)) and each.__module__.startswith(OURS)
        function = getattr(each, "__func__", each)
        if ours and function not in seen:
            seen.add(function)
            yield function
            waiting += parts_of(each)


def test_there_are_many_kept_queries_and_their_parts_are_found() -> None:
    assert len(KEPT) > 100
    found = {function.__name__ for function in functions_of(KEPT["media.get_thumbnail"])}
    assert {"get_thumbnail", "served", "_not_yet", "may_see_preview", "role_in"} <= found
    found = {function.__name__ for function in functions_of(KEPT["tasks.get_time_spent"])}
    assert {"_get", "_find", "_where"} <= found


@pytest.mark.parametrize("service", sorted(specs()))
def test_kept_queries_look_at_nothing_but_records_their_arguments_and_who_asks(service: str) -> None:
    kept = [operation for name, operation in KEPT.items() if name.startswith(f"{service}.")]
    functions = [function for operation in kept for function in functions_of(operation)]
    assert [line for function in functions for line in suspect_lines(function)] == []
