"""Every setting, read from SEMBLANTE_* variables; built by entry points, never on import."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import platformdirs
from pydantic import Field, IPvAnyNetwork, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from semblante.detection import DETECT_MEANING, Detect
from semblante.secret_files import SecretFiles

GIB = 1024**3
MIB = 1024**2

LoginRule = Literal["auto", "on", "off"]
EngineName = Literal["auto", "openvino", "torch"]


class Settings(BaseSettings):
    """The settings of one process. Descriptions appear in docs/settings.md."""

    model_config = SettingsConfigDict(
        env_prefix="SEMBLANTE_", frozen=True, extra="forbid", allow_inf_nan=False
    )

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
        None,
        description="`file:///folder` or `s3://bucket/prefix` of uploads and results; without it, "
        "the data folder.",
    )
    s3_endpoint: str | None = Field(
        None, description="Address of the S3 server; without it, Amazon's."
    )
    s3_region: str = Field("us-east-1", description="Region of the bucket.")
    s3_access_key: str | None = Field(
        None, description="Name of the S3 credentials; without it, from where AWS's tools have it."
    )
    s3_secret_key: str | None = Field(None, description="Secret of the S3 credentials.")
    server: str = Field(
        "http://127.0.0.1:8000", description="Server that the client commands talk to."
    )
    api_key: str | None = Field(
        None,
        description="Key that client commands send, and that the web takes as an admin's besides "
        "those of `semblante keys`.",
    )
    secret_key: str | None = Field(
        None,
        description="Secret that signs cookies; needed beyond this machine. Without it, a random "
        "one in the data folder.",
    )
    login: LoginRule = Field(
        "auto",
        description="Whether requests need a key: `on`, `off` (whoever reaches the web may do "
        "everything), or `auto`: unless the web listens on loopback and there is no key.",
    )
    session_hours: float = Field(
        12.0, gt=0, description="Hours after which a browser that does nothing is logged out."
    )
    host: str = Field("127.0.0.1", description="Address that the web listens on.")
    port: int = Field(8000, ge=0, le=65535, description="Port that the web listens on.")
    trusted_hosts: tuple[str, ...] = Field(
        ("localhost", "127.0.0.1", "[::1]"), description="Host headers that the web accepts."
    )
    proxy_hops: int = Field(
        0,
        ge=0,
        description="Proxies before the web, whose X-Forwarded-For and X-Forwarded-Proto are "
        "believed; with one, the web needs a login also on loopback.",
    )
    web_threads: int = Field(
        48,
        ge=1,
        description="Requests that one web process serves at once; an upload over a slow line is "
        "one for as long as it sends.",
    )

    model: str = Field(
        "resnet18-raf7",
        description="Model of a job that names none, unless `semblante models default` chose one.",
    )
    loaded_models: int = Field(
        3, ge=1, description="Models that one worker process keeps in memory."
    )
    cache_folder: Path | None = Field(
        None,
        description="Folder of copies of imported models and of thumbnails, which may be deleted "
        "at any time; without it, `cache` in the data folder.",
    )
    model_cache_bytes: int = Field(
        4 * GIB,
        ge=1,
        description="Most bytes of the copies of models; the least recently used go first.",
    )
    thumbnail_cache_bytes: int = Field(
        512 * MIB,
        ge=0,
        description="Most bytes of thumbnails kept on a web's host; 0 makes each one anew.",
    )
    device: str = Field("auto", description="`auto`, `cpu`, `cuda` or `cuda:N`.")
    engine: EngineName = Field(
        "auto",
        description="`openvino`, `torch` or `auto`: torch on CUDA devices, openvino on CPUs.",
    )
    detect: Detect = Field("off", description=f"Of a job that names none. {DETECT_MEANING}")
    detect_side: int = Field(
        640, ge=32, description="Pixels of the longer side of the copy that faces are searched in."
    )
    detect_confidence: float = Field(
        0.8, gt=0, lt=1, description="Least confidence of a face that YuNet finds."
    )
    detect_min_face: int = Field(
        20, ge=1, description="Least pixels of a found face's shorter side, in the original."
    )
    detect_max_faces: int = Field(
        100, ge=1, le=1000, description="Most faces of one image, the largest ones."
    )
    detect_whole_side: int = Field(
        128, ge=0, description="Longer side up to which `detect=auto` takes an image whole."
    )
    reuse_duplicates: bool = Field(
        True, description="Label images of a job with the same bytes once; each gets its rows."
    )
    worker_processes: int = Field(
        0,
        ge=0,
        description="Processes of a worker, each with its model; 0 means one for every four cores, "
        "and two where there are two cores.",
    )
    compute_threads: int = Field(
        0,
        ge=0,
        description="Threads of the inference library per worker process; 0 shares the cores out.",
    )
    decode_threads: int = Field(
        0, ge=0, description="Decoding threads per worker process; 0 shares the cores out."
    )
    batch_size: int = Field(
        0,
        ge=0,
        le=4096,
        description="Images per forward pass; 0 is 64 on CPUs, and on GPUs what their free memory "
        "allows, at most 1,024.",
    )
    chunk_images: int = Field(512, ge=1, description="Most images in a chunk.")
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
    max_unpacked_ratio: float = Field(
        100.0,
        gt=1,
        description="Most unpacked bytes for each byte of an archive; 1 GiB is always allowed.",
    )
    max_name_characters: int = Field(
        1024, ge=1, le=4096, description="Most characters of a member's name with its folders."
    )
    max_image_bytes: int = Field(64 * MIB, ge=1, description="Most unpacked bytes of one image.")
    max_image_pixels: int = Field(100_000_000, ge=1, description="Most pixels of one image.")
    decode_seconds: float = Field(
        20.0, gt=0, description="Most time that decoding one image may take."
    )
    decode_memory_bytes: int = Field(
        2 * GIB,
        ge=64 * MIB,
        description="Most memory that decoding one image may take; Linux only.",
    )
    max_open_jobs: int = Field(1000, ge=1, description="Unfinished jobs before 429 is answered.")
    max_url_bytes: int = Field(
        2 * GIB, ge=1, description="Most bytes of an archive that is fetched from a URL."
    )
    url_seconds: float = Field(
        300.0, gt=0, description="Most time that fetching one URL may take, redirects included."
    )
    url_networks: tuple[IPvAnyNetwork, ...] = Field(
        (),
        description="Networks, such as `10.1.0.0/16`, that URLs may point to though they are not "
        "of the public internet.",
    )
    webhook_seconds: float = Field(
        15.0, gt=0, description="Most time that one delivery of a webhook may take."
    )
    webhook_retries: tuple[float, ...] = Field(
        (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400),
        description="Seconds after each failed delivery of a webhook until the next one; then it "
        "is given up.",
    )
    cors_origins: tuple[str, ...] = Field(
        (),
        description="Origins, such as `https://lab.example.org`, whose pages may use the API; "
        "`*` stands for all others, which must send a key with every request.",
    )
    key_requests_per_minute: int = Field(
        1200, ge=1, description="Most requests of one key in a minute; an admin's have no limits."
    )
    owner_open_jobs: int = Field(100, ge=1, description="Most unfinished jobs of one owner.")
    owner_daily_jobs: int = Field(1000, ge=1, description="Most jobs of one owner in a day (UTC).")
    owner_daily_bytes: int = Field(
        500 * GIB, ge=1, description="Most uploaded bytes of one owner in a day (UTC)."
    )
    owner_daily_images: int = Field(
        20_000_000,
        ge=1,
        description="Images of one owner in a day (UTC) after which no further job is taken.",
    )
    audit_days: float = Field(365.0, gt=0, description="Days that the audit log goes back.")
    upload_expiry_hours: float = Field(
        24.0, gt=0, description="Hours after which an unfinished upload is removed."
    )
    retention_days: float = Field(
        30.0,
        ge=0,
        le=36_500,
        description="Days after its end that a job's images, rows and files are removed, unless it "
        "asks otherwise; 0 keeps them.",
    )
    tidy_seconds: float = Field(
        3600.0, gt=0, description="Time between two looks for expired jobs and orphaned bytes."
    )
    metrics_port: int = Field(
        0, ge=0, le=65535, description="Port of a worker's metrics for Prometheus; 0 serves none."
    )
    metrics_host: str = Field("127.0.0.1", description="Address that these are served on.")
    telemetry: bool = Field(
        False,
        description="Send OpenTelemetry spans of requests and jobs; needs the extra `telemetry`.",
    )
    log_format: Literal["console", "json"] = Field("console", description="Form of log lines.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="Least level of log lines."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 (not read)
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 (see SecretFiles)
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read options first, then variables, then the files that variables name."""
        return init_settings, env_settings, SecretFiles(settings_cls)

    @field_validator("broker_url")
    @classmethod
    def _check_port(cls, url: str | None) -> str | None:
        """Refuse an address that nothing can be connected to; ValueError says why."""
        if url is not None:
            _ = urlsplit(url).port
        return url

    @property
    def database(self) -> str:
        """The SQLAlchemy URL in force."""
        return self.database_url or f"sqlite:///{self.data.absolute() / 'semblante.sqlite3'}"

    @property
    def storage(self) -> str:
        """The storage URL in force."""
        return self.storage_url or (self.data.absolute() / "storage").as_uri()

    @property
    def cache(self) -> Path:
        """The folder of copies in force."""
        return self.cache_folder or self.data / "cache"


def settings_with(**overrides: Any) -> Settings:
    """Return the settings with `overrides` (options of a command); None means not given."""
    return Settings(**{name: value for name, value in overrides.items() if value is not None})
