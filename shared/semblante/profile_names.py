"""Names of the columns that results can have; `profiles.py` makes them."""

from __future__ import annotations

from typing import Literal, get_args

Profile = Literal["semblante", "deepface", "py-feat"]
PROFILES: tuple[Profile, ...] = get_args(Profile)
