"""What a request may ask for: the model, the search for faces, and where the bytes are."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, Json

from semblante.detection import DETECT_MEANING, Detect
from semblante.emotions import Language

MAX_URL = 2048
URL_MEANING = "http or https, on the public internet; redirects are followed."


class Choices(BaseModel):
    """The model to run, and whether images are searched for faces."""

    model_config = ConfigDict(extra="forbid")

    model: str | None = Field(None, description="Name or reference; the server's default without.")
    detect: Detect | None = Field(
        None, description=f"{DETECT_MEANING} The server's default without."
    )


class PredictionFromUrl(Choices):
    """One image that the server fetches."""

    url: str = Field(max_length=MAX_URL, description=URL_MEANING)


class JobOptions(Choices):
    """How a job labels."""

    lang: Language = Field("en", description="Language of the CSV's emotions unless asked else.")
    retention_days: float | None = Field(
        None,
        ge=0,
        le=36_500,
        description="Days after its end that its images, rows and files are removed; 0 keeps them. "
        "The server's default without.",
    )
    webhook: str | None = Field(
        None,
        max_length=MAX_URL,
        description="Address, http or https, that is told when the job has ended, signed by the "
        "Standard Webhooks scheme; see `GET /webhooks/secret`.",
    )


class JobFromJson(JobOptions):
    """What JSON can say about a job besides where its bytes are."""

    metadata: dict[str, Any] = Field(default_factory=dict, description="Given back unchanged.")


class JobFromUpload(JobFromJson):
    """A job over an upload that is complete."""

    upload_id: str


class JobFromUrl(JobFromJson):
    """A job over an archive or image that the server fetches."""

    url: str = Field(max_length=MAX_URL, description=URL_MEANING)


class JobFromFiles(JobOptions):
    """A job over the files of the form."""

    metadata: Json[dict[str, Any]] = Field(
        default_factory=dict, description="A JSON object, given back unchanged."
    )
