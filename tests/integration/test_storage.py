"""One suite for every object store, and what only one of them does."""

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from chassis.storage import FolderStore, InvalidKeyError, ObjectStore, UnknownObjectError, media_key, open_store

KEY = "pictures/original/0fe/d1c/0fed1c2a"
ID = "0fed1c2a-93d6-43a2-9d5e-0d3f7f1f1a11"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """Yield the address of an S3 server, moto's, with the bucket `studio`."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "testing")
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        host, port = server.get_host_and_port()
        address = f"http://{host}:{port}"
        boto3.client("s3", region_name="us-east-1", endpoint_url=address).create_bucket(Bucket="studio")
        yield address
        server.stop()


def bucket(endpoint: str, prefix: str) -> ObjectStore:
    return open_store(f"s3://studio/{prefix}?region=us-east-1&presign=yes&endpoint={endpoint}")


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    if request.param == "folder":
        return open_store(f"file://{tmp_path}/store", durable=False)
    return bucket(request.getfixturevalue("endpoint"), tmp_path.name)


def failing() -> Iterator[bytes]:
    yield b"half of it"
    raise ConnectionError("the client went away")


def test_what_was_put_is_read_back(store: ObjectStore) -> None:
    assert store.put(KEY, [b"abc", b"", b"defg"]) == 7
    assert b"".join(store.open(KEY)) == b"abcdefg"
    assert store.stat(KEY).size == 7
    assert store.exists(KEY)
    assert abs(store.stat(KEY).modified - datetime.now(UTC)) < timedelta(minutes=1)


def test_a_missing_bucket_is_made_and_a_present_one_left_alone(endpoint: str) -> None:
    fresh = open_store(f"s3://fresh-bucket?region=eu-west-1&endpoint={endpoint}")
    fresh.prepare()
    fresh.put(KEY, [b"kept"])
    fresh.prepare()
    assert b"".join(fresh.open(KEY)) == b"kept"


def test_a_store_of_ones_own_has_one_host_name_for_all_buckets(endpoint: str) -> None:
    own = open_store("s3://studio?region=us-east-1&endpoint=http://storage:8333&presign=yes")
    assert (own.url(KEY) or "").startswith(f"http://storage:8333/studio/{KEY}?")


def test_files_are_streamed(store: ObjectStore) -> None:
    data = os.urandom(1_000_003)
    assert store.put(KEY, BytesIO(data)) == len(data)
    pieces = list(store.open(KEY))
    assert b"".join(pieces) == data
    assert max(map(len, pieces)) < len(data)


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (0, None, b"0123456789"),
        (3, None, b"3456789"),
        (3, 5, b"34"),
        (0, 99, b"0123456789"),
        (9, 9, b""),
        (50, 60, b""),
    ],
)
def test_a_range_is_read(store: ObjectStore, start: int, end: int | None, expected: bytes) -> None:
    store.put(KEY, [b"0123456789"])
    assert b"".join(store.open(KEY, start, end)) == expected


def test_an_empty_object_is_an_object(store: ObjectStore) -> None:
    assert store.put(KEY, []) == 0
    assert b"".join(store.open(KEY)) == b""
    assert store.exists(KEY)


def test_putting_again_replaces(store: ObjectStore) -> None:
    store.put(KEY, [b"old and long"])
    store.put(KEY, [b"new"])
    assert b"".join(store.open(KEY)) == b"new"


def test_a_failing_stream_leaves_the_old_object(store: ObjectStore) -> None:
    store.put(KEY, [b"old"])
    for key in (KEY, "pictures/other"):
        with pytest.raises(ConnectionError):
            store.put(key, failing())
    assert b"".join(store.open(KEY)) == b"old"
    assert not store.exists("pictures/other")


def test_all_keys_are_listed_and_nothing_that_is_being_written(store: ObjectStore) -> None:
    for key in ("a/one", "a/two", "b"):
        store.put(key, [b"x"])
    with pytest.raises(ConnectionError):
        store.put("c", failing())
    assert sorted(store.list_keys()) == ["a/one", "a/two", "b"]


def test_an_upload_in_parts_that_fails_in_the_middle_leaves_no_part(endpoint: str, tmp_path: Path) -> None:
    def long() -> Iterator[bytes]:
        for _ in range(20):
            yield bytes(1 << 20)
        raise ConnectionError("the client went away")

    store = bucket(endpoint, tmp_path.name)
    store.put(KEY, [b"old"])
    with pytest.raises(ConnectionError):
        store.put(KEY, long())
    assert b"".join(store.open(KEY)) == b"old"
    client = boto3.client("s3", region_name="us-east-1", endpoint_url=endpoint)
    assert "Uploads" not in client.list_multipart_uploads(Bucket="studio")


def test_deleting_twice_is_fine(store: ObjectStore) -> None:
    store.put(KEY, [b"x"])
    store.delete(KEY)
    store.delete(KEY)
    assert not store.exists(KEY)


def test_a_copy_is_independent(store: ObjectStore) -> None:
    store.put(KEY, [b"first"])
    store.copy(KEY, "movies/copy")
    store.copy(KEY, "movies/copy")
    store.put(KEY, [b"second"])
    assert b"".join(store.open("movies/copy")) == b"first"
    store.delete(KEY)
    assert store.exists("movies/copy")


def test_an_object_is_lent_as_a_file(store: ObjectStore) -> None:
    store.put(KEY, [b"pixels"])
    with store.local_path(KEY) as path:
        assert path.read_bytes() == b"pixels"


@pytest.mark.parametrize(
    "ask",
    [
        lambda store: store.open(KEY),
        lambda store: store.stat(KEY),
        lambda store: store.copy(KEY, "other"),
        lambda store: store.local_path(KEY).__enter__(),
        lambda store: store.stat(f"{KEY}/below"),
    ],
)
def test_a_missing_object_is_told_at_once(store: ObjectStore, ask: Callable[[ObjectStore], object]) -> None:
    with pytest.raises(UnknownObjectError):
        ask(store)
    assert not store.exists(KEY)


@pytest.mark.parametrize(
    "key", ["../etc/passwd", "/etc/passwd", "a/../b", "a//b", "", ".incoming/x", "a\0b", "a\n", "é"]
)
def test_keys_cannot_leave_the_store(store: ObjectStore, key: str) -> None:
    for ask in (store.exists, store.open, store.delete, lambda key: store.put(key, [b"x"])):
        with pytest.raises(InvalidKeyError):
            ask(key)


def test_media_keys_are_those_of_a_kitsu_folder() -> None:
    assert media_key("pictures", "thumbnails", ID) == f"pictures/thumbnails/0fe/d1c/{ID}"
    assert media_key("movies", "lowdef", ID) == f"movies/lowdef/0fe/d1c/{ID}"
    assert media_key("pictures", "thumbnails-square", ID) == f"pictures/thumbnails/squ/are/square-{ID}"
    with pytest.raises(InvalidKeyError):
        media_key("pictures", "thumbnails", "../../../../etc/passwd")


def test_only_a_bucket_has_addresses_and_only_a_folder_has_files(store: ObjectStore) -> None:
    store.put(KEY, [b"x"])
    file, address = store.local_file(KEY), store.url(KEY)
    assert (file is None) != (address is None)
    assert file is None or file.read_bytes() == b"x"
    assert address is None or KEY in address
    assert store.local_file("absent") is None


def test_a_failing_stream_leaves_no_file(tmp_path: Path) -> None:
    store = FolderStore(tmp_path, durable=True)
    with pytest.raises(ConnectionError):
        store.put(KEY, failing())
    store.put(KEY, [b"x"])
    store.copy(KEY, "copy")
    store.copy(KEY, "copy")
    assert {path.name for path in tmp_path.rglob("*") if path.is_file()} == {"0fed1c2a", "copy"}


def test_what_killed_writers_left_is_swept(tmp_path: Path) -> None:
    store = FolderStore(tmp_path, durable=False)
    left = tmp_path / ".incoming" / "left"
    left.write_bytes(b"half")
    assert store.sweep(age=60) == 0
    os.utime(left, (0, 0))
    assert store.sweep(age=60) == 1
    assert not left.exists()


@pytest.mark.parametrize("url", ["", "folder", "file://host/folder", "ftp://host/x", "s3://"])
def test_an_unknown_kind_of_store_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="Not a store"):
        open_store(url)
