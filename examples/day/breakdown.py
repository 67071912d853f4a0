"""Steps that break the script down: assets, sequences, shots, episodes, and who plays in what."""

from typing import Any

import gazu
from gazu.exception import NotAllowedException

from examples.day.studio import Day, Record, expect, expect_equal, expect_keys, expect_values, refused

ASSETS = {"hero": ("Character", "Héro"), "sword": ("Prop", "Sword"), "castle": ("Environment", "Castle")}
FRAMES = 48


def breakdown(day: Day) -> str:
    """Create assets, a sequence with shots in the short, an episode with a shot in the TV show."""
    for key, (kind, name) in ASSETS.items():
        asset_type = day["asset_types"][kind]
        extra: dict[str, Any] = {"extra_data": {"mood_level": "high"}, "client": day.clients["manager"]}
        asset = gazu.asset.new_asset(day["short"], asset_type, day.named(name), "old, but\nstrong", **extra)
        expect_values(asset, f"asset {name}", type="Asset", description="old, but\nstrong", canceled=False)
        day.keep(key, asset)
    full = gazu.asset.get_asset(day["hero"]["id"], client=day.clients["artist"])
    expect_values(full, "one asset", asset_type_name="Character", tasks=[], project_name=day["short"]["name"])
    gazu.asset.update_asset_data(day["hero"], {"height": 180}, client=day.clients["manager"])
    data = gazu.asset.get_asset(day["hero"]["id"], client=day.admin)["data"]
    expect_equal(data, {"mood_level": "high", "height": 180}, "data of an asset is merged")

    sequence = gazu.shot.new_sequence(day["short"], "SQ010", client=day.clients["manager"])
    day.keep("sequence", sequence)
    for number in (10, 20, 30):
        day.keep(f"shot_{number}", _shot(day, day["short"], sequence, f"SH{number:04d}"))
    twin = {"name": "SH0010", "sequence_id": sequence["id"]}
    again = day.send(201, "POST", f"/data/projects/{day['short']['id']}/shots", json=twin)
    expect_equal(again["id"], day["shot_10"]["id"], "a shot of the same name is the stored one")
    names = [shot["name"] for shot in gazu.shot.all_shots_for_sequence(sequence, client=day.clients["artist"])]
    expect_equal(names, ["SH0010", "SH0020", "SH0030"], "shots of the sequence")
    _episodes(day)
    _erase(day)
    with refused(NotAllowedException, "an artist creating a shot"):
        gazu.shot.new_shot(day["short"], sequence, "SH9999", client=day.clients["artist"])
    return "3 assets, 3 shots, 2 episodes"


def _shot(day: Day, project: Record, sequence: Record, name: str) -> Record:
    frames = {"nb_frames": FRAMES, "frame_in": 1, "frame_out": FRAMES}
    shot = gazu.shot.new_shot(project, sequence, name, client=day.clients["manager"], **frames)  # type: ignore[arg-type]
    expect_values(shot, f"shot {name}", type="Shot", nb_frames=FRAMES, parent_id=sequence["id"], status="running")
    expect_equal((shot["data"]["frame_in"], shot["data"]["frame_out"]), (1, FRAMES), "frames of the shot")
    return shot


def _episodes(day: Day) -> None:
    show = day["tvshow"]
    manager = day.clients["manager"]
    second = gazu.shot.new_episode(show, "E02", client=manager)
    expect_values(second, "E02", type="Episode", name="E02", project_id=show["id"])
    sequence = gazu.shot.new_sequence(show, "SQ01", episode=day["episode_1"], client=manager)
    expect_equal(sequence["parent_id"], day["episode_1"]["id"], "the sequence lies in its episode")
    day.keep("tv_shot", _shot(day, show, sequence, "SH0010"))
    shots = gazu.shot.all_shots_for_episode(day["episode_1"], client=manager)
    expect_equal([shot["id"] for shot in shots], [day["tv_shot"]["id"]], "shots of E01")
    kind = day["asset_types"]["Character"]
    day.keep("tv_hero", gazu.asset.new_asset(show, kind, day.named("TV hero"), client=manager))


def _erase(day: Day) -> None:
    """Remove an asset without tasks: it is erased, not canceled."""
    asset = gazu.asset.new_asset(day["short"], day["asset_types"]["FX"], day.named("Smoke"), client=day.admin)
    gazu.asset.remove_asset(asset, client=day.admin)
    day.send(404, "GET", f"/data/assets/{asset['id']}")


def casting(day: Day) -> str:
    """Cast assets in a shot, parts in an asset, and read it both ways."""
    short, shot, hero, sword = day["short"], day["shot_10"], day["hero"], day["sword"]
    manager = day.clients["manager"]
    rows = [
        {"asset_id": sword["id"], "nb_occurences": 1, "label": "fixed"},
        {"asset_id": hero["id"], "nb_occurences": 2, "label": "animate"},
    ]
    gazu.casting.update_shot_casting(short, shot, rows, client=manager)  # type: ignore[arg-type]
    cast = gazu.casting.get_shot_casting(shot, client=day.clients["artist"])
    expect_equal([row["asset_id"] for row in cast], [hero["id"], sword["id"]], "casting by asset type, then name")
    expect_values(cast[0], "a row of the casting", nb_occurences=2, label="animate", asset_type_name="Character")
    expect_keys(cast[0], ("asset_name", "ready_for", "preview_file_id", "is_shared", "project_id"), "a casting row")
    used = gazu.casting.get_asset_cast_in(hero, client=manager)
    expect_equal([row["shot_id"] for row in used], [shot["id"]], "shots the hero plays in")
    expect_equal(gazu.shot.get_shot(shot["id"], client=manager)["nb_entities_out"], 2, "nb_entities_out")

    part = [{"asset_id": sword["id"], "nb_occurences": 3}]
    gazu.casting.update_asset_casting(short, day["castle"], part, client=manager)  # type: ignore[arg-type]
    parts = gazu.casting.get_asset_casting(day["castle"], client=manager)
    expect_equal([(row["asset_id"], row["nb_occurences"]) for row in parts], [(sword["id"], 3)], "parts of the castle")

    gazu.casting.cast_asset(short, [day["shot_20"], day["shot_30"]], hero, nb_occurences=1, client=manager)
    whole = gazu.casting.get_project_shots_casting(short, client=manager)
    expect_equal(set(whole), {day[f"shot_{n}"]["id"] for n in (10, 20, 30)}, "shots with a casting")
    gazu.casting.uncast_asset(short, [day["shot_30"]], hero, client=manager)
    gazu.casting.update_shot_casting(short, shot, rows[1:], client=manager)  # type: ignore[arg-type]
    cast = gazu.casting.get_shot_casting(shot, client=manager)
    expect_equal([row["asset_id"] for row in cast], [hero["id"]], "a PUT replaces the whole casting")
    _casting_of_an_episode(day)
    path = f"/data/projects/{short['id']}/entities/{shot['id']}/casting"
    day.send(403, "GET", path, "vendor")
    day.send(403, "GET", path, "outsider")
    day.send(403, "GET", f"/data/projects/{short['id']}/entities/{day['tv_shot']['id']}/casting")
    return "shots, assets and an episode are cast"


def _casting_of_an_episode(day: Day) -> None:
    """Cast an asset in a shot of a TV show: the episode gets it too."""
    row = [{"asset_id": day["tv_hero"]["id"], "nb_occurences": 1, "label": ""}]
    gazu.casting.update_shot_casting(day["tvshow"], day["tv_shot"], row, client=day.admin)  # type: ignore[arg-type]
    episode = gazu.casting.get_episode_casting(day["episode_1"], client=day.admin)
    expect_equal([line["asset_id"] for line in episode], [day["tv_hero"]["id"]], "casting of the episode")
    shots = gazu.casting.get_episode_shots_casting(day["tvshow"], day["episode_1"], client=day.admin)
    expect(list(shots) == [day["tv_shot"]["id"]], "casting of the episode's shots")
