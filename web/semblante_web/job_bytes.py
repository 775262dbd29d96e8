"""The bytes of a job: an upload that is there, the files of a form, or what a URL gives."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from werkzeug.datastructures import FileStorage

from semblante import uploads
from semblante.services import Services
from semblante.tables import Upload
from semblante_web.access import identity
from semblante_web.job_options import JobFromFiles, JobFromUpload, JobFromUrl
from semblante_web.packing import pack, pack_name
from semblante_web.url_source import fetched_upload

BLOCK_BYTES = 1024 * 1024


def bytes_of(
    services: Services,
    options: JobFromUpload | JobFromUrl | JobFromFiles,
    files: Sequence[FileStorage],
) -> tuple[str, int | None]:
    """Return the id of the upload and, if it was stored just now, its size in bytes.

    Raises:
        Refused: What `fetch` says about a URL.
        TooLarge: `too_large_upload`.
        TooMany: `url_busy`.
    """
    if isinstance(options, JobFromUpload):
        return options.upload_id, None
    if isinstance(options, JobFromUrl):
        with fetched_upload(services.settings, options.url) as found:
            return _store(services, found.filename, found.blocks)
    names = [file.filename or "image" for file in files]
    if len(names) == 1:
        stream = files[0].stream
        return _store(services, names[0], iter(lambda: stream.read(BLOCK_BYTES), b""))
    streams = (file.stream for file in files)
    return _store(services, pack_name(names), pack(zip(names, streams, strict=True)))


def _store(services: Services, filename: str, blocks: Iterable[bytes]) -> tuple[str, int]:
    with services.database.writing() as session:
        upload = uploads.begin(session, filename, 0, identity().owner)
    try:
        return upload.id, services.storage.write(upload.storage_key, blocks)
    except BaseException:
        with services.database.writing() as session:
            session.delete(session.get_one(Upload, upload.id))
        raise
