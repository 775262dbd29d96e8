"""Objects of an S3 storage that are made of parts: in one go, or over several requests.

S3 takes an object in up to 10,000 numbered parts of at least 5 MiB, the last one excepted. Bytes
that make no part yet wait in an object of their own, the tail, whose metadata tell all that came
before it: one request says how far an upload is, whoever asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from semblante.settings import MIB

FIRST_PART_BYTES = 8 * MIB
PARTS_OF_ONE_SIZE = 2500
TAIL = ".tail"


def part_bytes(number: int) -> int:
    """Return the size of part `number`: it grows, so that small uploads take little memory.

    8 MiB at first, doubled every 2,500 parts: 10,000 parts hold 293 GiB.
    """
    return FIRST_PART_BYTES << min((number - 1) // PARTS_OF_ONE_SIZE, 3)


def cut(blocks: Iterable[bytes], number: int, head: bytes = b"") -> Iterator[bytes]:
    """Cut `head` and `blocks` into part `number` and those after it; the last one is too short."""
    waiting, size = [head], len(head)
    for block in blocks:
        waiting.append(block)
        size += len(block)
        while size >= part_bytes(number):
            joined = b"".join(waiting)
            waiting.clear()  # before the part is sent: it need not be held twice
            waiting.append(joined[part_bytes(number) :])
            part = joined[: part_bytes(number)]
            del joined
            yield part
            size -= len(part)
            number += 1
    yield b"".join(waiting)


@dataclass
class PartedObject:
    """An object on its way: its parts so far, and the request that begins with the first one."""

    client: Any
    bucket: str
    key: str
    upload_id: str = ""
    number: int = 1
    """Of the next part."""
    start: int = 0
    """Bytes of all parts before it."""

    def add(self, part: bytes) -> bool:
        """Send `part`; False when it is too short and must wait for more, or for `complete`."""
        if len(part) < part_bytes(self.number):
            return False
        self._send(part)
        return True

    def complete(self, last: bytes) -> int:
        """Make the object of all parts and `last`; return its size."""
        size = self.start + len(last)
        if self.start == 0:
            self.client.put_object(Bucket=self.bucket, Key=self.key, Body=last)
            self.abort()
            return size
        if last:
            self._send(last)
        pages = self.client.get_paginator("list_parts").paginate(**self._place())
        parts = [
            {"PartNumber": part["PartNumber"], "ETag": part["ETag"]}
            for page in pages
            for part in page["Parts"]
            if part["PartNumber"] < self.number  # others were taken back
        ]
        self.client.complete_multipart_upload(**self._place(), MultipartUpload={"Parts": parts})
        return size

    def abort(self) -> None:
        """Drop all parts."""
        if self.upload_id:
            with suppress(ClientError):  # what is left goes when the key is deleted
                self.client.abort_multipart_upload(**self._place())

    def _send(self, part: bytes) -> None:
        if not self.upload_id:
            answer = self.client.create_multipart_upload(Bucket=self.bucket, Key=self.key)
            self.upload_id = answer["UploadId"]
        self.client.upload_part(**self._place(), PartNumber=self.number, Body=part)
        self.number += 1
        self.start += len(part)

    def _place(self) -> dict[str, str]:
        return {"Bucket": self.bucket, "Key": self.key, "UploadId": self.upload_id}


def load_tail(client: Any, bucket: str, key: str) -> tuple[PartedObject, bytes]:
    """Return an unfinished object and the bytes of its tail; raises ClientError without a tail."""
    answer = client.get_object(Bucket=bucket, Key=key + TAIL)
    known = answer["Metadata"]
    upload = PartedObject(
        client, bucket, key, known.get("upload", ""), int(known["number"]), int(known["start"])
    )
    return upload, answer["Body"].read()


def save_tail(upload: PartedObject, data: bytes) -> None:
    """Note how far `upload` is, with the bytes behind its last part."""
    known = {"number": str(upload.number), "start": str(upload.start)}
    if upload.upload_id:  # some servers drop empty metadata
        known["upload"] = upload.upload_id
    upload.client.put_object(Bucket=upload.bucket, Key=upload.key + TAIL, Body=data, Metadata=known)


def appended_size(client: Any, bucket: str, key: str) -> int:
    """Return how many bytes of an unfinished object are there; raises ClientError without one."""
    answer = client.head_object(Bucket=bucket, Key=key + TAIL)
    return int(answer["Metadata"]["start"]) + int(answer["ContentLength"])
