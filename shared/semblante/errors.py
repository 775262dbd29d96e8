"""Everything that can go wrong, as one tree; each leaf carries a stable code.

SemblanteError
├── Refused                    the request cannot be accepted (HTTP 4xx, exit code 2)
│   ├── NotFound               404
│   ├── Conflict               409, not in this state
│   ├── Unauthorized           401
│   └── TooLarge               413
├── ArchiveError               the upload is no usable archive: the job fails with this reason
├── ImageError                 one image cannot be labelled: one failed row, never more
├── BundleError                a model cannot be loaded
├── TrainingError              a recipe, starting weights or a run cannot be used
└── Unavailable                a component is missing or does not answer (HTTP 503)

Codes are documented in docs/errors.md; a test fails when one is not.
"""

from __future__ import annotations

from typing import ClassVar

from semblante.message import Message


class SemblanteError(Exception):
    """The root: `code` is stable and documented, the message tells the person what to do.

    `message` is a constant template for `values` (see `Message`), so that the web can tell `said`
    in the reader's language; the attribute `message` is its English text.
    """

    http_status: ClassVar[int] = 500

    def __init__(self, code: str, message: str | Message, /, **values: object) -> None:
        self.said = message if isinstance(message, Message) else Message(message, **values)
        self.message = str(self.said)
        super().__init__(self.message)
        self.code = code


class Refused(SemblanteError):
    """The request cannot be accepted as it is."""

    http_status = 400


class NotFound(Refused):
    """No such job, image, upload or model."""

    http_status = 404


class Conflict(Refused):
    """The thing exists, but not in a state that allows this."""

    http_status = 409


class Unauthorized(Refused):
    """The key is missing or wrong."""

    http_status = 401


class TooLarge(Refused):
    """More bytes than the settings allow."""

    http_status = 413


class ArchiveError(SemblanteError):
    """The upload cannot be read as an archive or an image, or breaks a limit."""

    http_status = 422


class ImageError(SemblanteError):
    """One image cannot be labelled; `code` becomes the row's `error_code`."""

    http_status = 422


class BundleError(SemblanteError):
    """A model bundle is missing, damaged or not understood."""

    http_status = 422


class TrainingError(SemblanteError):
    """A recipe, starting weights or a run folder cannot be used for training."""

    http_status = 422


class Unavailable(SemblanteError):
    """A component (broker, worker, database) does not answer."""

    http_status = 503


IMAGE_ERROR_CODES: dict[str, str] = {
    "unsupported_format": "The file is no image, or of a format that Semblante does not read.",
    "corrupt_image": "The file begins like an image, but its content cannot be decoded.",
    "truncated_image": "The image ends before its last row.",
    "too_large": "The file has more bytes than max_image_bytes allows.",
    "too_many_pixels": "The image has more pixels than max_image_pixels allows.",
    "encrypted": "The member is encrypted; upload the archive without a password.",
    "unsupported_compression": "The member is compressed by a method that Semblante does not read.",
    "crc_mismatch": "The member's bytes do not match its checksum: the archive is damaged.",
    "truncated_member": "The archive ends before this member does.",
    "corrupt_member": "The member's compressed bytes cannot be unpacked.",
    "overlapping_member": "The member reaches into the next one: damage, or made to deceive.",
    "unsafe_path": "The name is absolute, climbs out of the archive, is a device's or too long.",
    "duplicate_path": "An earlier member of the archive has the same name.",
    "unreadable_file": "The file is not there, or this user may not read it (data sets only).",
    "worker_crash": "Decoding ended its process again and again, or takes too much time or memory.",
    "detection_failed": "OpenCV gave up while it searched the image for faces.",
}
"""Values of the CSV's `error_code`, with what each one means."""

JOB_ERROR_CODES: dict[str, str] = {
    "not_an_archive": "The upload is neither a zip, a tar nor an image that Semblante reads.",
    "corrupt_archive": "The archive's directory cannot be read: it is damaged or truncated.",
    "no_images": "The upload holds no image.",
    "too_many_entries": "The archive has more members than max_archive_entries allows.",
    "too_large_unpacked": "It unpacks beyond max_unpacked_bytes or max_unpacked_ratio.",
    "upload_missing": "The upload's bytes are gone from the storage.",
    "model_missing": "The job's model is not installed on the workers, or they cannot run it.",
    "corrupt_detector": "The face detector's weights on a worker are not the published ones.",
    "incomplete_results": "Some images have no row; a defect in Semblante, please report it.",
    "step_crash": "A step of the job ended its worker process again and again.",
}
"""Values of a failed job's `error.code`, with what each one means."""

REQUEST_ERROR_CODES: dict[str, str] = {
    "invalid_request": "The request does not have the documented form; `detail` names the field.",
    "not_found": "No such address.",
    "job_not_found": "No such job.",
    "image_not_found": "The job has no image with this index.",
    "event_not_found": "The job has no webhook event with this id.",
    "upload_not_found": "No such upload, or it has expired.",
    "upload_incomplete": "The upload has not received all its bytes yet.",
    "upload_offset": "The offset differs from the bytes received; ask with HEAD and go on there.",
    "model_not_found": "No such model; GET /models lists them.",
    "model_removed": "The job's model was removed; import its bundle again, then retry.",
    "model_unavailable": "The storage lacks the model or has it damaged: import it again.",
    "job_not_finished": "Results can be downloaded when the job is completed.",
    "illegal_transition": "The job's state does not allow this.",
    "nothing_to_retry": "The job has no failed image.",
    "no_file": "The request has no file.",
    "no_face": "No face was found in the image, and the request asks for one.",
    "too_large_upload": "The upload is larger than max_upload_bytes.",
    "invalid_url": "The URL is none of http or https, or names a user or another service's port.",
    "url_not_public": "The URL leads, directly or by a redirect, to no public internet address.",
    "url_failed": "The URL cannot be fetched in time, or does not answer with a file.",
    "url_type": "The URL answers with something that is neither an image nor an archive.",
    "url_busy": "Too many URLs are being fetched; try again after the time in Retry-After.",
    "queue_full": "Too many unfinished jobs; try again after the time in Retry-After.",
    "quota_exceeded": "The key's owner has had its share of today; Retry-After says when to go on.",
    "too_many_requests": "Too many requests in a minute; Retry-After says when to go on.",
    "unauthorized": "The API key is missing, wrong or revoked.",
    "forbidden": "The API key does not allow this; it needs another scope.",
    "key_exists": "A key of this name exists or has existed; names are used once.",
    "key_not_found": "No key has this name.",
    "worker_not_found": "No worker of this name runs.",
    "foreign_origin": "A page of another site may not send this request.",
    "unknown_host": "The Host header names none of trusted_hosts.",
    "unsupported_tus_version": "This server speaks tus 1.0.0.",
    "wrong_content_type": "The body has another type than this address takes; `detail` names it.",
    "checksum_mismatch": "The bytes received do not match Upload-Checksum; send them again.",
    "method_not_allowed": "This address does not know this method.",
    "idempotency_mismatch": "This Idempotency-Key was used with another request.",
    "worker_unavailable": "No worker answered in time.",
    "broker_unavailable": "The message broker does not answer.",
    "storage_unavailable": "The storage of uploads and results does not answer, or refuses.",
    "invalid_storage_url": "SEMBLANTE_STORAGE_URL names no storage that Semblante knows.",
    "database_unavailable": "The database does not answer, or lacks the newest schema.",
    "server_unavailable": "No Semblante server answers at this address.",
    "already_running": "Another Semblante stack uses this data folder.",
    "component_missing": "A program or package that this command needs is not installed.",
    "download_failed": "A file that this command needs cannot be fetched; the message names it.",
    "unsafe_binding": "Other machines may be served only with a login: a key and a secret.",
    "component_failed": "A component of the stack did not start; its log says why.",
    "camera_unavailable": "No camera, no right to use it, or it went away; the message says which.",
    "unreadable_video": "The file is no video that OpenCV reads; the message says why.",
    "corrupt_bundle": "The bundle's card or weights are damaged or do not fit each other.",
    "wrong_engine": "The model lacks the files of the engine that is to run it.",
    "bad_backup": "The file is no whole backup, or there is nothing to back up.",
    "data_exists": "The file or data folder is in use already; nothing is overwritten.",
    "not_embedded": "Only the embedded stack is backed up by this command.",
    "bundle_in_use": "Models that come with Semblante cannot be removed or replaced.",
    "empty_dataset": "The data set lacks labelled images that are needed; the message says which.",
    "empty_class": "A class of the data set has no image, or too few to train on.",
    "unknown_class": "A picture's folder or row names no known class; the message says which.",
    "class_not_in_model": "The data set has a class that the model or recipe lacks.",
    "one_class_only": "All images of the data set are of one class; at least two are needed.",
    "bad_table": "A table (CSV) or list cannot be used; the message names file and reason.",
    "nothing_to_measure": "No image has both a label and a truth to compare it with.",
    "invalid_recipe": "The recipe is unknown, damaged or diverges; the message names the field.",
    "invalid_weights": "The file of starting weights cannot be read or fits no layer.",
    "run_exists": "The folder is taken; continue its run by --resume or name another folder.",
    "run_differs": "The run to resume had another recipe, seed, --init or data set.",
    "internal_error": "A defect in Semblante; the server's log has the details.",
}
"""Codes of refused requests and of commands that could not run."""

ERROR_CODES: dict[str, str] = IMAGE_ERROR_CODES | JOB_ERROR_CODES | REQUEST_ERROR_CODES
