"""Words of the pages that stand for values of the API; marked here, translated where shown."""

from __future__ import annotations

from flask_babel import lazy_gettext as _
from flask_babel.speaklater import LazyString

from semblante.detection import Detect
from semblante.gallery import Order, Status
from semblante.lifecycle import State
from semblante.queue import QueueName
from semblante.tables import Scope
from semblante.webhook_tables import EventState
from semblante_web.changes import Change

STATES: dict[State, LazyString] = {
    "validating": _("Reading the upload"),
    "in_progress": _("Labelling"),
    "finalizing": _("Writing the results"),
    "completed": _("Completed"),
    "failed": _("Failed"),
    "cancelling": _("Cancelling"),
    "cancelled": _("Cancelled"),
    "expired": _("Expired"),
}
STEPS: dict[State, LazyString] = {
    "validating": _("Read"),
    "in_progress": _("Label"),
    "finalizing": _("Write"),
}
STATE_KINDS: dict[State, str] = {
    "validating": "busy",
    "in_progress": "busy",
    "finalizing": "busy",
    "completed": "good",
    "failed": "bad",
    "cancelling": "quiet",
    "cancelled": "quiet",
    "expired": "quiet",
}
"""The colour of a state's badge, by the CSS class `badge-<kind>`."""

DETECT: dict[Detect, LazyString] = {
    "off": _("Each image is one face"),
    "auto": _("Search for them in large images"),
    "on": _("Search for them in every image"),
}

STATUSES: dict[Status, LazyString] = {
    "ok": _("Labelled"),
    "no_face": _("No face"),
    "failed": _("Not labelled"),
}
ORDERS: dict[Order, LazyString] = {
    "archive": _("As in the archive"),
    "doubt": _("The least sure first"),
}

CHANGES: dict[Change, LazyString] = {
    "cancel": _("Cancel"),
    "pause": _("Pause"),
    "resume": _("Resume"),
    "retry": _("Retry failed images"),
}

ACTIONS: dict[str, LazyString] = {
    "submit": _("created a job"),
    "cancel": _("cancelled a job"),
    "pause": _("paused a job"),
    "resume": _("resumed a job"),
    "retry": _("retried a job"),
    "delete": _("deleted a job"),
    "delete_upload": _("deleted an upload"),
    "default_model": _("chose the default model"),
    "login": _("logged in"),
    "login_refused": _("was refused a login"),
    "key_use": _("used a key"),
    "key_create": _("created a key"),
    "key_revoke": _("revoked a key"),
    "webhook_resend": _("had a webhook sent again"),
    "webhook_secret": _("replaced the webhooks' secret"),
    "truth": _("attached a truth"),
    "truth_delete": _("removed a truth"),
    "correct": _("corrected a label"),
    "correct_undo": _("took a correction back"),
    "pause_all": _("paused all jobs"),
    "resume_all": _("let all jobs go on"),
    "drain": _("drained a worker"),
    "undrain": _("let a worker take work again"),
    "import_model": _("imported a model"),
    "remove_model": _("removed a model"),
}
"""What the audit log tells."""

QUEUES: dict[QueueName, LazyString] = {
    "control": _("Jobs to read or finish"),
    "classify": _("Chunks queued"),
    "predict": _("Single images"),
}
"""What waits in each queue."""

SCOPES: dict[Scope, LazyString] = {
    "read": _("look at jobs"),
    "submit": _("send and change jobs"),
    "admin": _("manage everything"),
}
"""What a key of each scope may do."""

EVENT_STATES: dict[EventState, LazyString] = {
    "pending": _("Waiting to be delivered"),
    "delivered": _("Delivered"),
    "given_up": _("Given up"),
}

SPLITS: dict[str, LazyString] = {
    "validation": _("Validation"),
    "validation rafdb": _("Validation, RAF-DB"),
    "validation ferplus": _("Validation, FERPlus"),
    "rafdb_test": _("RAF-DB test"),
    "ferplus_private": _("FERPlus private test"),
    "rafdb_train_zip": _("RAF-DB train (mostly seen in training)"),
}
"""Names of the sets that the cards of our models were measured on."""

REMEDIES: dict[str, LazyString] = {
    "not_an_archive": _("Send a zip, tar or tar.gz archive, or images as they are."),
    "corrupt_archive": _("Make the archive again, or upload it again if the copy was cut short."),
    "no_images": _("Check that the archive holds JPEG, PNG, WebP or other image files."),
    "too_many_entries": _("Split the archive into several ones."),
    "too_large_unpacked": _("Split the archive into several ones."),
    "upload_missing": _("Upload the files again."),
    "corrupt_detector": _("Run `semblante models pull yunet` on the workers; start them again."),
    "model_missing": _("Choose an installed model, or install this one on the workers."),
}
"""What to do about a failed job, by its error code."""

FAULTS_OF_THE_SERVER = frozenset(
    {"model_missing", "corrupt_detector", "step_crash", "incomplete_results"}
)
"""Why a job failed whose upload is good: another run over it may end well."""

_CONVERT = _("Save the image anew as JPEG or PNG, and send it again.")
_COPY = _("Take the image from its source again; this copy is damaged.")
_PACK = _("Make the archive again from the original files.")
_SMALLER = _("Make the image smaller, or ask for a higher limit on the server.")
IMAGE_REMEDIES: dict[str, LazyString] = {
    "unsupported_format": _CONVERT,
    "corrupt_image": _COPY,
    "truncated_image": _COPY,
    "too_large": _SMALLER,
    "too_many_pixels": _SMALLER,
    "encrypted": _("Make the archive again without a password."),
    "unsupported_compression": _("Make the archive again with the method deflate or store."),
    "crc_mismatch": _PACK,
    "truncated_member": _PACK,
    "corrupt_member": _PACK,
    "overlapping_member": _PACK,
    "unsafe_path": _("Rename the file and make the archive again."),
    "duplicate_path": _("Rename one of the files and make the archive again."),
    "unreadable_file": _("Check that the file is there and may be read."),
    "worker_crash": _CONVERT,
    "detection_failed": _("Label it again without a search for faces."),
}
"""What to do about a failed image, by its error code."""

URL_REMEDIES: dict[str, LazyString] = {
    "no_file": _("Choose an image, or give its URL."),
    "invalid_url": _("Give an address that begins with https:// or http://."),
    "url_not_public": _("Save the file, and send it from this machine instead."),
    "url_failed": _("Open the address in your browser: it must show the file itself."),
    "url_type": _("Give the address of the file itself, not of a page that shows it."),
    "url_busy": _("Try again in some seconds."),
    "too_large_upload": _("Send a smaller file, or ask for a higher limit on the server."),
    "worker_unavailable": _("Try again soon; the operator's page tells whether a worker runs."),
}
"""What to do about a file that was not sent or fetched, by its error code."""
