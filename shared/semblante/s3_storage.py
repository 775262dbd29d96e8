"""A storage in a bucket of an S3 server, by AWS's own client library."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from semblante.errors import Refused, Unavailable
from semblante.s3_upload import TAIL, PartedObject, appended_size, cut, load_tail, save_tail
from semblante.settings import MIB, Settings
from semblante.storage_keys import StoredKey, check_offset, key_parts, missing

BLOCK_BYTES = 4 * MIB
NOT_FOUND = frozenset({"404", "NoSuchKey"})
NO_UPLOAD = "NoSuchUpload"
CONFIG = Config(
    signature_version="s3v4",
    connect_timeout=5,
    read_timeout=20,  # so long a connection costs whose other end vanished
    max_pool_connections=32,
    retries={"mode": "standard", "max_attempts": 4},
    request_checksum_calculation="when_required",  # not every S3 server knows the newer ones
    response_checksum_validation="when_required",
)


class S3Storage:
    """The keys of `bucket` below `prefix`; see Storage."""

    def __init__(self, client: Any, bucket: str, prefix: str) -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = prefix

    def prepare(self) -> None:
        """Make the bucket, when there is none that this user can see."""
        with _explained(self._bucket):
            try:
                self._client.head_bucket(Bucket=self._bucket)
            except ClientError as error:
                if _code(error) not in NOT_FOUND:
                    raise
                self._client.create_bucket(Bucket=self._bucket)

    def size(self, key: str) -> int:
        """Return the number of bytes under `key`, those appended so far, too."""
        with _explained(key):
            try:
                head = self._client.head_object(Bucket=self._bucket, Key=self._name(key))
                return int(head["ContentLength"])
            except ClientError as error:
                if _code(error) not in NOT_FOUND:
                    raise
                return appended_size(self._client, self._bucket, self._name(key))

    def read(self, key: str, start: int, length: int) -> bytes:
        """Return up to `length` bytes from `start`."""
        return self._range(key, start, length) if length > 0 else b""

    def blocks(self, key: str) -> Iterator[bytes]:
        """Yield all bytes in ranges of 4 MiB: no connection waits for a slow reader."""
        with _explained(key):
            head = self._client.head_object(Bucket=self._bucket, Key=self._name(key))
        for start in range(0, head["ContentLength"], BLOCK_BYTES):
            yield self._range(key, start, BLOCK_BYTES, IfMatch=head["ETag"])

    def write(
        self,
        key: str,
        blocks: Iterable[bytes],
        *,
        lasting: bool = True,  # noqa: ARG002 (an object lasts)
    ) -> int:
        """Send parts as they come; the object is there when all of them are."""
        upload = self._upload(key)
        with _explained(key):
            try:
                last = b""
                for last in cut(blocks, upload.number):
                    upload.add(last)
                return upload.complete(last)
            except BaseException:
                upload.abort()
                raise

    def append(self, key: str, offset: int, blocks: Iterable[bytes]) -> int:
        """Send whole parts and keep the rest in the tail, which is the truth at any time."""
        with _explained(key):
            upload, tail = self._unfinished(key)
            check_offset(upload.start + len(tail), offset)
            before = replace(upload)
            part = tail
            try:
                for part in cut(blocks, upload.number, tail):
                    save_tail(upload, b"" if upload.add(part) else part)
            except Refused:
                save_tail(replace(before, upload_id=upload.upload_id), tail)
                raise
            return upload.start + len(part)

    def seal(self, key: str) -> None:
        """Make one object of the parts and the tail."""
        with _explained(key):
            try:
                upload, tail = load_tail(self._client, self._bucket, self._name(key))
            except ClientError as error:
                if _code(error) not in NOT_FOUND:
                    raise
                self._client.head_object(Bucket=self._bucket, Key=self._name(key))  # sealed before
                return
            size = upload.start + len(tail)
            try:
                upload.complete(tail)
            except ClientError as error:
                if _code(error) != NO_UPLOAD or not self._is_object(key, size):
                    raise
            self._client.delete_object(Bucket=self._bucket, Key=self._name(key) + TAIL)

    def adopt(self, key: str, path: Path) -> None:
        """Copy the file: other machines must be able to read it."""
        with path.open("rb") as file:
            self.write(key, iter(lambda: file.read(BLOCK_BYTES), b""))

    def delete(self, key: str) -> None:
        """Remove the object, what is below it, and parts that never became an object."""
        name = self._name(key)
        with _explained(key):
            for upload in self._pages("list_multipart_uploads", "Uploads", name):
                if upload["Key"] == name or upload["Key"].startswith(f"{name}/"):
                    place = {"Key": upload["Key"], "UploadId": upload["UploadId"]}
                    self._client.abort_multipart_upload(Bucket=self._bucket, **place)
            self._client.delete_object(Bucket=self._bucket, Key=name)
            self._client.delete_object(Bucket=self._bucket, Key=name + TAIL)
            for found in self._pages("list_objects_v2", "Contents", f"{name}/"):
                self._client.delete_object(Bucket=self._bucket, Key=found["Key"])

    def keys(self, folder: str) -> Iterator[StoredKey]:
        """Yield the objects below `folder`, and uploads in parts that are not objects yet."""
        name = f"{self._name(folder)}/"
        strip = len(self._prefix) + 1 if self._prefix else 0
        with _explained(folder):
            for found in self._pages("list_objects_v2", "Contents", name):
                key = found["Key"][strip:].removesuffix(TAIL)
                yield StoredKey(key, found["LastModified"])
            for upload in self._pages("list_multipart_uploads", "Uploads", name):
                yield StoredKey(upload["Key"][strip:], upload["Initiated"])

    def _range(self, key: str, start: int, length: int, **condition: str) -> bytes:
        with _explained(key):
            try:
                answer = self._client.get_object(
                    Bucket=self._bucket,
                    Key=self._name(key),
                    Range=f"bytes={start}-{start + length - 1}",
                    **condition,
                )
            except ClientError as error:
                if _code(error) == "InvalidRange":  # nothing lies behind the end
                    return b""
                raise
            data: bytes = answer["Body"].read()
            return data

    def _is_object(self, key: str, size: int) -> bool:
        """Whether the parts became the object, though whoever asked for it did not come to know.

        Its answer was lost, or it died before it removed the tail. Only for an upload that the
        server has no more: one that it has is completed, whatever older object there is.
        """
        try:
            head = self._client.head_object(Bucket=self._bucket, Key=self._name(key))
        except ClientError as error:
            if _code(error) not in NOT_FOUND:
                raise
            return False
        return bool(head["ContentLength"] == size)

    def _unfinished(self, key: str) -> tuple[PartedObject, bytes]:
        try:
            return load_tail(self._client, self._bucket, self._name(key))
        except ClientError as error:
            if _code(error) not in NOT_FOUND:
                raise
            return self._upload(key), b""

    def _upload(self, key: str) -> PartedObject:
        return PartedObject(self._client, self._bucket, self._name(key))

    def _pages(self, operation: str, field: str, prefix: str) -> Iterator[dict[str, Any]]:
        pages = self._client.get_paginator(operation).paginate(Bucket=self._bucket, Prefix=prefix)
        for page in pages:
            yield from page.get(field, ())

    def _name(self, key: str) -> str:
        return "/".join((self._prefix, *key_parts(key)) if self._prefix else key_parts(key))


def open_s3_storage(settings: Settings, bucket: str, prefix: str) -> S3Storage:
    """Return the storage below `prefix` of `bucket`; connects to nothing yet.

    Without keys in the settings, boto3 looks for them where AWS's tools do: environment, files,
    the role of the machine.
    """
    client = boto3.session.Session().client(
        "s3",
        endpoint_url=settings.s3_endpoint,
        region_name=settings.s3_region,
        aws_access_key_id=settings.s3_access_key,
        aws_secret_access_key=settings.s3_secret_key,
        config=CONFIG,
    )
    return S3Storage(client, bucket, prefix)


@contextmanager
def _explained(key: str) -> Iterator[None]:
    """Turn boto3's errors into ours."""
    try:
        yield
    except ClientError as error:
        if _code(error) in NOT_FOUND:
            raise missing(key) from error
        raise Unavailable(
            "storage_unavailable", "The storage refuses: %(reason)s", reason=error
        ) from error
    except BotoCoreError as error:
        raise Unavailable(
            "storage_unavailable", "The storage does not answer: %(reason)s", reason=error
        ) from error


def _code(error: ClientError) -> str:
    return str(error.response["Error"]["Code"])
