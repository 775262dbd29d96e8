"""Secrets in files, as container engines hand them over: `SEMBLANTE_X_FILE` names the file of X."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsError

SECRETS = frozenset(
    {"database_url", "broker_url", "api_key", "secret_key", "s3_access_key", "s3_secret_key"}
)
"""Settings that may lie in a file; the URLs carry passwords."""


class SecretFiles(PydanticBaseSettingsSource):
    """Reads each secret whose variable with the suffix `_FILE` is set."""

    def __init__(self, settings_cls: type[BaseSettings]) -> None:
        super().__init__(settings_cls)
        self._prefix = str(settings_cls.model_config.get("env_prefix", ""))

    def get_field_value(
        self,
        field: FieldInfo,  # noqa: ARG002 (given by pydantic-settings)
        field_name: str,
    ) -> tuple[Any, str, bool]:
        """Return the content of the secret's file without the line's end; None without a file."""
        variable = f"{self._prefix}{field_name}_FILE".upper()
        path = os.environ.get(variable)
        if field_name not in SECRETS or not path:
            return None, field_name, False
        try:
            return Path(path).read_text(encoding="utf-8").rstrip("\r\n"), field_name, False
        except OSError as error:
            raise SettingsError(f"{variable}: {error}") from error

    def __call__(self) -> dict[str, Any]:
        """Return the secrets that lie in files."""
        fields = self.settings_cls.model_fields.items()
        values = {name: self.get_field_value(field, name)[0] for name, field in fields}
        return {name: value for name, value in values.items() if value is not None}
