"""The object store in an S3 bucket; loaded only when a store is opened at `s3://…`.

It speaks through boto3 and not through s3fs: s3fs drives an asyncio loop of its own, and in a process that eventlet has
patched (the nameko services) its first call fails with "Calling sync() from within a running loop".
"""

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC
from importlib import import_module
from io import RawIOBase
from pathlib import Path
from typing import Any, BinaryIO

from chassis.storage import CHUNK, Stat, UnknownObjectError, checked_key, pieces_of


def open_bucket(bucket: str, prefix: str, options: Mapping[str, str]) -> "BucketStore":
    """Return the store in `bucket` below `prefix`; options: endpoint, region, presign (yes or no)."""
    endpoint = options.get("endpoint")
    # Stores of one's own have one host name, not one per bucket, and many know no checksums in trailers.
    style = {"s3": {"addressing_style": "path"}} if endpoint else {}
    config = import_module("botocore.config").Config(
        request_checksum_calculation="when_required", response_checksum_validation="when_required", **style
    )
    client = import_module("boto3").client(
        "s3", endpoint_url=endpoint, region_name=options.get("region"), config=config
    )
    return BucketStore(client, bucket, prefix, presign=options.get("presign") == "yes")


class _Reader(RawIOBase):
    """An iterable of bytes as the readable file that boto3 uploads."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""
        self.total = 0

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes, and fewer only at the end."""
        found = [self._rest]
        length = len(self._rest)
        while size < 0 or length < size:
            piece = next(self._pieces, None)
            if piece is None:
                break
            found.append(piece)
            length += len(piece)
        data = b"".join(found)
        cut = len(data) if size < 0 else size
        self._rest = data[cut:]
        self.total += len(data[:cut])
        return data[:cut]

    def readable(self) -> bool:
        """Tell boto3 that it may read."""
        return True


class BucketStore:
    """Objects in an S3 bucket, or in anything that speaks S3 (MinIO, Ceph, Garage)."""

    def __init__(self, client: Any, bucket: str, prefix: str = "", *, presign: bool = False) -> None:
        """Use a boto3 S3 `client`; keys are stored below `prefix`."""
        self._client = client
        self._bucket = bucket
        self._prefix = f"{checked_key(prefix)}/" if prefix else ""
        self._presign = presign
        # Threads of boto3's own would block the hub of a service under eventlet; streams are sequential anyway.
        self._transfer = import_module("boto3.s3.transfer").TransferConfig(use_threads=False)

    def _name(self, key: str) -> str:
        return self._prefix + checked_key(key)

    @contextmanager
    def _known(self, key: str) -> Iterator[None]:
        try:
            yield
        except Exception as refusal:
            if _code_of(refusal) in ("404", "NoSuchKey", "NotFound"):
                raise UnknownObjectError(key) from None
            raise

    def _head(self, key: str) -> dict[str, Any]:
        with self._known(key):
            head: dict[str, Any] = self._client.head_object(Bucket=self._bucket, Key=self._name(key))
        return head

    def put(self, key: str, chunks: Iterable[bytes] | BinaryIO) -> int:
        """Upload, in parts when long; a failing stream aborts the upload and the old object stays."""
        reader = _Reader(pieces_of(chunks))
        self._client.upload_fileobj(reader, self._bucket, self._name(key), Config=self._transfer)
        return reader.total

    def open(self, key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Read a range; see ObjectStore."""
        if end is not None and start >= end:
            self._head(key)
            return iter(())
        # One request: a whole object is asked for without a range, which an empty one would not have.
        limits = {"Range": f"bytes={start}-{'' if end is None else end - 1}"} if start or end is not None else {}
        try:
            with self._known(key):
                answer = self._client.get_object(Bucket=self._bucket, Key=self._name(key), **limits)
        except Exception as refusal:
            if _code_of(refusal) in ("416", "InvalidRange"):
                return iter(())
            raise
        pieces: Iterator[bytes] = answer["Body"].iter_chunks(CHUNK)
        return pieces

    def stat(self, key: str) -> Stat:
        """Return length and time, which S3 keeps in whole seconds."""
        head = self._head(key)
        return Stat(int(head["ContentLength"]), head["LastModified"].astimezone(UTC))

    def exists(self, key: str) -> bool:
        """Ask for the object's head."""
        try:
            self._head(key)
        except UnknownObjectError:
            return False
        return True

    def delete(self, key: str) -> None:
        """Delete the object; S3 does not mind a missing one."""
        self._client.delete_object(Bucket=self._bucket, Key=self._name(key))

    def copy(self, source: str, target: str) -> None:
        """Copy inside the bucket; no byte passes through us."""
        origin = {"Bucket": self._bucket, "Key": self._name(source)}
        with self._known(source):
            self._client.copy(origin, self._bucket, self._name(target), Config=self._transfer)

    @contextmanager
    def local_path(self, key: str) -> Iterator[Path]:
        """Lend a temporary download."""
        pieces = self.open(key)
        with tempfile.TemporaryDirectory(prefix="kiroku-") as folder:
            path = Path(folder) / key.rpartition("/")[2]
            with path.open("wb") as file:
                file.writelines(pieces)
            yield path

    def local_file(self, key: str) -> Path | None:
        """Return None: there is no file."""
        return None

    def list_keys(self) -> Iterator[str]:
        """List the bucket, a thousand objects a page."""
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._prefix)
        for page in pages:
            for each in page.get("Contents", ()):
                yield each["Key"].removeprefix(self._prefix)

    def prepare(self) -> None:
        """Make the bucket if it is missing; whoever may not make buckets needs it made by somebody else."""
        try:
            self._client.head_bucket(Bucket=self._bucket)
        except Exception as refusal:
            if getattr(refusal, "response", {}).get("Error", {}).get("Code") not in ("404", "NoSuchBucket"):
                raise
            region = self._client.meta.region_name
            place = {} if region in (None, "us-east-1") else {"LocationConstraint": region}
            told = {"CreateBucketConfiguration": place} if place else {}
            self._client.create_bucket(Bucket=self._bucket, **told)

    def url(self, key: str, seconds: int = 3600) -> str | None:
        """Return a presigned address when the store was opened with `presign=yes`."""
        if not self._presign:
            return None
        wanted = {"Bucket": self._bucket, "Key": self._name(key)}
        address: str = self._client.generate_presigned_url("get_object", Params=wanted, ExpiresIn=seconds)
        return address


def _code_of(refusal: Exception) -> str:
    """Return what S3 calls a refusal; empty for other errors."""
    return str(getattr(refusal, "response", {}).get("Error", {}).get("Code", ""))
