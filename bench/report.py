"""Results as a table for people and as JSON for programs."""

import json
import math
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.run import CLIENTS, Result, Server
from bench.scenarios import CHANGES, READS, Scenario, Size
from bench.special import Figure

SCENARIOS: dict[str, Scenario] = {scenario.name: scenario for scenario in (*READS, *CHANGES)}


def peer_ratio(result: Result, size: Size) -> float | None:
    """Return how many times faster the median is than the recorded peer's at one client; None when unknown."""
    peer = SCENARIOS[result.scenario].peer
    theirs = peer.fastest_ms(size) if peer else None
    ours = result.p50_ms(1)
    return theirs / ours if theirs and ours > 0 else None


def cpu_ratio(result: Result) -> float | None:
    """Return how many times less CPU a request of 16 clients took than the recorded peer's; None when unknown."""
    peer, ours = SCENARIOS[result.scenario].peer, result.cpu_ms(16)
    return peer.cpu_ms[0] / ours if peer and peer.cpu_ms and ours else None


def server_ratio(results: Sequence[Result], result: Result, clients: int) -> float | None:
    """Return requests a second against those of the other server of the same run; None without one."""
    other = next((one for one in results if one.scenario == result.scenario and one.server != result.server), None)
    if other is None or clients not in other.runs or clients not in result.runs:
        return None
    theirs = other.runs[clients].per_second
    return result.runs[clients].per_second / theirs if theirs else None


def table(results: Sequence[Result], figures: Sequence[Figure], size: Size) -> str:
    """Return everything as text in columns."""
    parts = []
    if results:
        head = ("scenario", "server", "KB", *_columns(), "×peer", "×peer cpu", "goal", "×other", "errors")
        parts.append(aligned([head, *(_row(results, result, size) for result in results)]))
    if figures:
        lines: list[tuple[str, ...]] = [("once", "server", "value", "unit", "×peer", "goal", "×other", "note")]
        lines += [_line(figures, one) for one in figures]
        parts.append(aligned(lines))
    return "\n\n".join(parts)


def _row(results: Sequence[Result], result: Result, size: Size) -> tuple[str, ...]:
    others = "/".join(_times(server_ratio(results, result, clients)) for clients in CLIENTS)
    return (
        result.scenario,
        result.server,
        f"{result.size / 1000:.0f}",
        *_numbers(result),
        _times(peer_ratio(result, size)),
        _times(cpu_ratio(result)),
        _goal(SCENARIOS[result.scenario].goal),
        others if others.strip("/") else "",
        _errors(result),
    )


def _line(figures: Sequence[Figure], one: Figure) -> tuple[str, ...]:
    other = _times(figure_ratio(figures, one))
    return one.name, one.server, f"{one.value:.1f}", one.unit, _times(one.ratio), _goal(one.goal), other, one.note


def figure_ratio(figures: Sequence[Figure], one: Figure) -> float | None:
    """Return how many times better a figure is than the other server's of the same run; None without one."""
    other = next((figure for figure in figures if figure.name == one.name and figure.server != one.server), None)
    if other is None or not (other.value > 0 and one.value > 0):
        return None
    return other.value / one.value if one.better == "less" else one.value / other.value


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as columns; the first two are text and lean left, the rest leans right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if column < 2 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines)


def _columns() -> list[str]:
    names = ("req/s", "p50 ms", "p99 ms", "cpu ms/req")
    return [f"{name} @{clients}" for clients in CLIENTS for name in names]


def _numbers(result: Result) -> list[str]:
    cells: list[str] = []
    for clients in CLIENTS:
        run = result.runs.get(clients)
        if run is None or not run.latencies:
            cells += ["-"] * 4
            continue
        app, others = result.cpu[clients]
        cpu = f"{app / len(run.latencies) * 1000:.2f}+{others / len(run.latencies) * 1000:.2f}" if app else "-"
        cells += [
            f"{run.per_second:.0f}",
            f"{run.percentile(0.5) * 1000:.2f}",
            f"{run.percentile(0.99) * 1000:.2f}",
            cpu,
        ]
    return cells


def _times(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.1f}"


def _goal(goal: tuple[float, float] | None) -> str:
    return "" if goal is None else f"{goal[0]:g}/{goal[1]:g}"


def _errors(result: Result) -> str:
    counts: dict[str, int] = {}
    for run in result.runs.values():
        for what, count in run.errors.items():
            counts[what] = counts.get(what, 0) + count
    return " ".join(f"{what}:{count}" for what, count in sorted(counts.items()))


def document(
    servers: Sequence[Server],
    results: Sequence[Result],
    figures: Sequence[Figure],
    size: Size,
    constant_ms: Sequence[float] = (),
) -> Any:
    """Return everything as JSON-able data; latencies in milliseconds, CPU in seconds.

    constant_ms: what a constant answer took before and after (`bench.machine`).
    """
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "size": size,
        "machine": {
            "cpus": os.cpu_count(),
            "system": platform.platform(),
            "python": platform.python_version(),
            "constant_answer_ms": list(constant_ms),
        },
        "servers": [
            {"name": one.name, "url": one.api.url, "counts": one.world.counts, "load_s": one.world.loaded_in_seconds}
            for one in servers
        ],
        "scenarios": [_scenario(results, result, size) for result in results],
        "figures": [
            {**asdict(one), "ratio": one.ratio, "goal": one.goal, "ratio_to_other_server": figure_ratio(figures, one)}
            for one in figures
        ],
    }


def _scenario(results: Sequence[Result], result: Result, size: Size) -> Any:
    return {
        "scenario": result.scenario,
        "server": result.server,
        "row": result.row,
        "bytes": result.size,
        "goal": SCENARIOS[result.scenario].goal,
        "ratio_to_recorded_peer": peer_ratio(result, size),
        "cpu_ratio_to_recorded_peer": cpu_ratio(result),
        "runs": {
            str(clients): {
                "per_second": run.per_second,
                "p50_ms": run.percentile(0.5) * 1000,
                "p99_ms": run.percentile(0.99) * 1000,
                "requests": len(run.latencies),
                "errors": run.errors,
                "cpu_s": result.cpu[clients][0],
                "database_cpu_s": result.cpu[clients][1],
                "ratio_to_other_server": server_ratio(results, result, clients),
            }
            for clients, run in result.runs.items()
        },
    }


def save(path: Path, data: Any) -> None:
    """Write JSON; numbers that are none become null."""
    text = json.dumps(_clean(data), indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def _clean(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _clean(value) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [_clean(value) for value in data]
    return None if isinstance(data, float) and math.isnan(data) else data
