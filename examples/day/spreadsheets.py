"""Steps that read spreadsheets in, and the long lists that a web page asks for."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import gazu

from examples.day.studio import Day, Record, by_id, expect, expect_equal, expect_keys, expect_values

BOM = "\ufeff"


def read_rows(path: Path) -> list[dict[str, str]]:
    """Read a spreadsheet as people save it: UTF-8 with or without BOM, semicolons, quoted line breaks."""
    text = path.read_bytes().decode("utf-8-sig")
    return [row for row in csv.DictReader(io.StringIO(text, newline=""), delimiter=";") if any(row.values())]


def write_rows(path: Path, rows: list[dict[str, str]]) -> Path:
    """Write a spreadsheet as Kitsu's users do: UTF-8 with BOM, semicolons, CRLF."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), delimiter=";", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    path.write_bytes((BOM + text.getvalue()).encode())
    return path


def csv_import(day: Day) -> str:
    """Import a spreadsheet of assets, again without and with update mode, and broken ones."""
    rows = read_rows(day.csv)
    manager = day.clients["manager"]
    made = gazu.asset.import_assets_with_csv(day["short"], str(day.csv), client=manager)
    expect_equal(len(made), len(rows), "records touched by the import")
    expect_equal([record["name"] for record in made], [row["Name"] for row in rows], "names in the order of the file")
    expect_equal({record["type"] for record in made}, {"Entity"}, "type of imported records")
    for record, row in zip(made, rows, strict=True):
        expect_equal(_plain(record["description"]), _plain(row["Description"]), f"description of {row['Name']}")
    _imported_tasks(day, rows, made)
    _update_mode(day, rows[0], made[0])
    _broken_files(day)
    shots = _import_shots(day)
    return f"{len(made)} assets and {shots} shots from spreadsheets"


def _plain(text: str | None) -> str:
    return (text or "").replace("\r\n", "\n").strip()


def _imported_tasks(day: Day, rows: list[dict[str, str]], made: list[Record]) -> None:
    """Compare the statuses of the file with those of the tasks."""
    stored = by_id(_list(day, "assets", "admin"))
    statuses = {row["id"]: row for row in day["statuses"].values()}
    for record, row in zip(made, rows, strict=True):
        expect(record["id"] in stored, f"{row['Name']} is in the list of assets")
        asset = stored[record["id"]]
        expect_equal(asset["asset_type_name"], row["Type"], f"type of {row['Name']}")
        tasks = {task["task_type_id"]: task for task in asset["tasks"]}
        for name, task_type in day["asset_tasks"].items():
            wanted = row.get(name, "")
            if not wanted:
                continue
            expect(task_type["id"] in tasks, f"{row['Name']} has a task {name}")
            status = statuses[tasks[task_type["id"]]["task_status_id"]]
            known = {status["name"].lower(), status["short_name"].lower()}
            expect(wanted.lower() in known, f"{row['Name']}, {name}: expected {wanted}, got {status['name']}")


def _update_mode(day: Day, row: dict[str, str], record: Record) -> None:
    path = write_rows(day.folder / "changed.csv", [{**row, "Description": "changed: ça va"}])
    _upload(day, 201, "assets", path)
    now = gazu.asset.get_asset(record["id"], client=day.admin)
    expect_equal(_plain(now["description"]), _plain(row["Description"]), "without update mode rows are left alone")
    touched = _upload(day, 201, "assets?update=true", path)
    expect_equal([one["id"] for one in touched], [record["id"]], "update mode touches the stored record")
    now = gazu.asset.get_asset(record["id"], client=day.admin)
    expect_equal(now["description"], "changed: ça va", "description after update mode")


def _upload(day: Day, status: int, kind: str, path: Path, who: str = "manager") -> Any:
    files = {"file": (path.name, path.read_bytes(), "text/csv")}
    return day.send(status, "POST", f"/import/csv/projects/{day['short']['id']}/{kind}", who, files=files)


def _broken_files(day: Day) -> None:
    """Give files with a fault in row 2 or 3: the answer names the line and counts the rows before it."""
    path = day.folder / "broken.csv"
    path.write_text("Type;Description\nProp;no name\n", encoding="utf-8")
    answer = _upload(day, 400, "assets", path)
    expect_values(answer, "a missing column", error=True, line_number=2, imported_rows=0)
    expect("Name" in answer["message"], f"the message names the column: {answer['message']}")
    good = day.named("Good")
    text = f"Type;Name;Description;Modeling\nProp;{good};first;todo\nProp;{day.named('Bad')};second;bogus\n"
    path.write_text(text, encoding="utf-8")
    answer = _upload(day, 400, "assets", path)
    expect_values(answer, "an unknown status", error=True, line_number=3, imported_rows=1)
    names = {asset["name"] for asset in gazu.asset.all_assets_for_project(day["short"], client=day.admin)}
    expect(good in names and day.named("Bad") not in names, "the row before the fault stays, the faulty one does not")
    path.write_bytes(b"")
    expect_values(_upload(day, 400, "assets", path), "an empty file", error=True)
    day.send(400, "POST", f"/import/csv/projects/{day['short']['id']}/assets")
    _upload(day, 403, "assets", path, "artist")


def _import_shots(day: Day) -> int:
    names = [f"SH{number:04d}" for number in range(100, 140, 10)]
    rows = [
        {"Sequence": "SQ020", "Name": name, "Description": "été ;\nwide", "Frames": "25", "In": "101", "Out": "125"}
        for name in names
    ]
    path = write_rows(day.folder / "shots.csv", [{**row, "Animation": "wip", "Layout": "Done"} for row in rows])
    made = gazu.shot.import_shots_with_csv(day["short"], str(path), client=day.clients["manager"])
    expect_equal([record["name"] for record in made], names, "imported shots")
    stored = by_id(_list(day, "shots", "admin"))
    for record in made:
        shot = stored[record["id"]]
        expect_values(shot, "an imported shot", sequence_name="SQ020", nb_frames=25)
        expect_equal((str(shot["frame_in"]), str(shot["frame_out"])), ("101", "125"), "frames of an imported shot")
        status = {task["task_type_id"]: task["task_status_id"] for task in shot["tasks"]}
        expect_equal(status[day["shot_tasks"]["Animation"]["id"]], day["statuses"]["wip"]["id"], "imported status")
    return len(made)


def _list(day: Day, kind: str, who: str, query: str = "") -> Any:
    return day.send(200, "GET", f"/data/{kind}/with-tasks?project_id={day['short']['id']}{query}", who)


def long_lists(day: Day) -> str:
    """Read assets and shots with their tasks: plain, compact, streamed, and unchanged (304)."""
    sizes = []
    for kind, fields in (("assets", "asset_fields"), ("shots", "shot_fields")):
        plain = _list(day, kind, "artist")
        path = f"/data/{kind}/with-tasks?project_id={day['short']['id']}"
        expect_equal(by_id(_compact(day, path, fields)), by_id(plain), f"compact {kind} say the same as plain ones")
        expect_equal(by_id(_streamed(day, path, fields)), by_id(plain), f"streamed {kind} say the same as plain ones")
        _unchanged(day, path)
        sizes.append(f"{len(plain)} {kind}")
    shot = by_id(_list(day, "shots", "artist"))[day["shot_10"]["id"]]
    expect_values(shot, "a shot of the list", sequence_name="SQ010", nb_frames=48, fps=shot["fps"], canceled=False)
    task = shot["tasks"][0]
    keys = "id duration entity_id estimation priority retake_count task_status_id task_type_id assignees is_subscribed"
    expect_keys(task, keys.split(), "a task of the list")
    tasks = by_id(gazu.task.all_tasks_for_project(day["short"], client=day.clients["artist"]))
    expect(task["id"] in tasks, "the list of tasks holds it too")
    _unchanged(day, f"/data/projects/{day['short']['id']}/tasks")
    mine = _list(day, "assets", "vendor")
    expect_equal([row["id"] for row in mine], [day["sword"]["id"]], "a vendor sees only assets assigned to him")
    return ", ".join(sizes)


def unfold(head: dict[str, Any], fields: str, row: list[Any]) -> Record:
    """Turn one positional row of a compact list into a record with its tasks."""
    record = dict(zip(head[fields], row, strict=True))
    record["tasks"] = [dict(zip(head["task_fields"], task, strict=True)) for task in record["tasks"]]
    return record


def _compact(day: Day, path: str, fields: str) -> list[Record]:
    body = day.send(200, "GET", f"{path}&compact=true", "artist")
    expect_keys(body, ("compact", fields, "task_fields", "rows"), "a compact list")
    return [unfold(body, fields, row) for row in body["rows"]]


def _streamed(day: Day, path: str, fields: str) -> list[Record]:
    reply = day.http("GET", f"{path}&compact=true&stream=true", "artist")
    expect_equal(reply.status_code, 200, "a streamed list")
    expect("ndjson" in reply.headers["Content-Type"], f"content type of a stream: {reply.headers['Content-Type']}")
    lines = [json.loads(line) for line in reply.text.splitlines() if line]
    expect_keys(lines[0], ("compact", fields, "task_fields"), "the first line of a stream")
    return [unfold(lines[0], fields, row) for row in lines[1:]]


def _unchanged(day: Day, path: str) -> None:
    first = day.http("GET", path, "artist")
    etag = first.headers.get("ETag")
    expect(etag, f"{path} carries an ETag")
    cache = first.headers.get("Cache-Control", "")
    expect("private" in cache and "no-cache" in cache, f"Cache-Control of {path}: {cache!r}")
    again = day.http("GET", path, "artist", headers={"If-None-Match": etag})
    expect_equal((again.status_code, again.content), (304, b""), f"{path}, unchanged")
    other = day.http("GET", path, "artist", headers={"If-None-Match": '"something else"'})
    expect_equal(other.status_code, 200, f"{path} with another tag")
