"""Every setting, read from SEMBLANTE_* variables; built by entry points, never on import."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import platformdirs
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

GIB = 1024**3
MIB = 1024**2


class Settings(BaseSettings):
    """The settings of one process. Descriptions appear in docs/settings.md."""

    model_config = SettingsConfigDict(env_prefix="SEMBLANTE_", frozen=True, extra="forbid")

    data: Path = Field(
        default_factory=lambda: platformdirs.user_data_path("semblante"),
        description="Folder of the embedded database, storage, broker, models and logs.",
    )
    database_url: str | None = Field(
        None, description="SQLAlchemy URL; without it, SQLite in the data folder."
    )
    broker_url: str | None = Field(
        None, description="Valkey or Redis URL; without it, the stack's own broker."
    )
    storage_url: str | None = Field(
        None, description="`file:///folder` of uploads and results; without it, the data folder."
    )
    server: str = Field(
        "http://127.0.0.1:8000", description="Server that the client commands talk to."
    )
    api_key: str | None = Field(
        None, description="Key that requests must carry; needed beyond this machine."
    )
    secret_key: str | None = Field(
        None, description="Secret that signs cookies; needed beyond this machine."
    )
    host: str = Field("127.0.0.1", description="Address that the web listens on.")
    port: int = Field(8000, ge=0, le=65535, description="Port that the web listens on.")
    trusted_hosts: tuple[str, ...] = Field(
        ("localhost", "127.0.0.1", "[::1]"), description="Host headers that the web accepts."
    )
    web_threads: int = Field(8, ge=1, description="Requests that one web process serves at once.")

    model: str = Field("starter", description="Model of a job that names none.")
    device: str = Field("auto", description="`auto`, `cpu`, `cuda` or `cuda:N`.")
    worker_processes: int = Field(1, ge=1, description="Worker processes, each with its model.")
    compute_threads: int = Field(
        0,
        ge=0,
        description="Threads of the inference library per worker process; 0 shares the cores out.",
    )
    decode_threads: int = Field(
        0, ge=0, description="Decoding threads per worker process; 0 shares the cores out."
    )
    batch_size: int = Field(64, ge=1, le=4096, description="Images per forward pass.")
    chunk_images: int = Field(256, ge=1, description="Most images in a chunk.")
    chunk_bytes: int = Field(64 * MIB, ge=1, description="Most packed bytes in a chunk.")
    window_chunks: int = Field(64, ge=1, description="Chunks of one job queued at a time.")
    lease_seconds: float = Field(60.0, gt=0, description="Life of a lease without a renewal.")
    max_attempts: int = Field(3, ge=1, description="Attempts at a chunk before it is split.")
    sweep_seconds: float = Field(5.0, gt=0, description="Time between two sweeps.")
    predict_timeout_seconds: float = Field(
        30.0, gt=0, description="Time that POST /predict waits for a worker."
    )

    max_upload_bytes: int = Field(200 * GIB, ge=1, description="Most bytes of one upload.")
    max_archive_entries: int = Field(20_000_000, ge=1, description="Most members of an archive.")
    max_unpacked_bytes: int = Field(1024 * GIB, ge=1, description="Most unpacked bytes.")
    max_image_bytes: int = Field(64 * MIB, ge=1, description="Most unpacked bytes of one image.")
    max_image_pixels: int = Field(100_000_000, ge=1, description="Most pixels of one image.")
    max_open_jobs: int = Field(1000, ge=1, description="Unfinished jobs before 429 is answered.")
    upload_expiry_hours: float = Field(
        24.0, gt=0, description="Hours after which an unfinished upload is removed."
    )
    log_format: Literal["console", "json"] = Field("console", description="Form of log lines.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="Least level of log lines."
    )

    @property
    def database(self) -> str:
        """The SQLAlchemy URL in force."""
        return self.database_url or f"sqlite:///{self.data.absolute() / 'semblante.sqlite3'}"

    @property
    def storage(self) -> str:
        """The storage URL in force."""
        return self.storage_url or (self.data.absolute() / "storage").as_uri()


def settings_with(**overrides: Any) -> Settings:
    """Return the settings with `overrides` (options of a command); None means not given."""
    return Settings(**{name: value for name, value in overrides.items() if value is not None})
