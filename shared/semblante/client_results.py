"""The results of one job of a server: rows as they come, a file, or a table of pandas."""

from __future__ import annotations

import importlib
import json
import tempfile
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

from semblante.emotions import Language
from semblante.errors import Unavailable
from semblante.http_transport import Transport
from semblante.profile_names import Profile

if TYPE_CHECKING:
    import pandas as pd

ResultFormat = Literal["csv", "jsonl", "parquet", "errors"]
RESULT_FILES: dict[ResultFormat, str] = {
    "csv": "results.csv",
    "jsonl": "results.jsonl",
    "parquet": "results.parquet",
    "errors": "errors.csv",
}


class Results:
    """One row per face, per image without a face, and per failed image, in archive order.

    Every method raises Conflict (`job_not_finished`) while the job has not ended.
    """

    def __init__(
        self, api: Transport, address: str, lang: Language | None, profile: Profile | None
    ) -> None:
        self._api = api
        self._address = address
        given = {"lang": lang, "profile": profile}
        self._params = {name: value for name, value in given.items() if value is not None}

    def write(self, file: BinaryIO, format: ResultFormat = "csv") -> None:  # noqa: A002
        """Write the rows to a file open for writing bytes."""
        params = self._params if format != "errors" else {}
        self._api.stream(f"{self._address}/{RESULT_FILES[format]}", file, params)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yield one dict per row; memory does not grow with the job."""
        address = f"{self._address}/{RESULT_FILES['jsonl']}"
        for line in self._api.lines(address, self._params):
            yield json.loads(line)

    def to_pandas(self) -> pd.DataFrame:
        """Return all rows as a DataFrame with the CSV's columns, typed; missing values are NA.

        Raises:
            Unavailable: `component_missing`, without the extra `semblante[pandas]`.
        """
        try:
            pandas = importlib.import_module("pandas")
            importlib.import_module("pyarrow")
        except ImportError as error:
            raise Unavailable(
                "component_missing",
                f"Tables need {error.name}: install it by `pip install 'semblante[pandas]'`.",
            ) from error
        with tempfile.TemporaryFile() as file:
            self.write(file, "parquet")
            file.seek(0)
            table: pd.DataFrame = pandas.read_parquet(file, dtype_backend="numpy_nullable")
            return table
