"""The model that a job keeps from its beginning, whatever is imported, chosen or removed later."""

from __future__ import annotations

from sqlalchemy.orm import Session

from semblante import registry
from semblante.bundles import shipped_bundles, unknown
from semblante.errors import Conflict
from semblante.tables import ImportedModel, Job


def pinned_digest(session: Session, job: Job) -> str:
    """Return the digest of the model that `job` runs, also when it was removed since.

    Raises:
        NotFound: `model_not_found`, when no trace is left of it.
    """
    # A job of an older version has only the reference.
    digest = job.model_sha256 or registry.find(session, job.model).digest
    shipped = any(bundle.digest == digest for bundle in shipped_bundles())
    if not shipped and session.get(ImportedModel, digest) is None:
        raise unknown(job.model, registry.models(session))
    return digest


def check_retry(session: Session, job: Job) -> None:
    """Make sure that the model of an ended job is still there; it stays if the job goes on.

    Raises:
        Conflict: `model_removed`.
    """
    for model in registry.models(session, lock=True):
        if model.reference == job.model and job.model_sha256 in (None, model.digest):
            return
    raise Conflict(
        "model_removed",
        "The model %(model)s was removed: import its bundle again, then retry.",
        model=job.model,
    )
