"""Messages for pydantic's validation errors, by error type, in Indonesian and English."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from problems.problem import Text

BY_TYPE: Final[Mapping[str, Text]] = {
    "missing": {"id": "Wajib diisi.", "en": "This field is required."},
    "extra_forbidden": {"id": "Isian ini tidak dikenal.", "en": "This field is not known."},
    "string_type": {"id": "Harus berupa teks.", "en": "This must be text."},
    "string_too_short": {"id": "Terlalu pendek.", "en": "This is too short."},
    "string_too_long": {"id": "Terlalu panjang.", "en": "This is too long."},
    "string_pattern_mismatch": {
        "id": "Bentuknya tidak sesuai.",
        "en": "This does not have the required form.",
    },
    "int_type": {"id": "Harus berupa bilangan bulat.", "en": "This must be a whole number."},
    "int_parsing": {"id": "Harus berupa bilangan bulat.", "en": "This must be a whole number."},
    "bool_type": {"id": "Harus benar atau salah.", "en": "This must be true or false."},
    "dict_type": {"id": "Harus berupa objek.", "en": "This must be an object."},
    "model_type": {"id": "Harus berupa objek.", "en": "This must be an object."},
    "model_attributes_type": {"id": "Harus berupa objek.", "en": "This must be an object."},
    "list_type": {"id": "Harus berupa daftar.", "en": "This must be a list."},
    "literal_error": {"id": "Bukan salah satu pilihan.", "en": "This is not one of the choices."},
    "enum": {"id": "Bukan salah satu pilihan.", "en": "This is not one of the choices."},
    "greater_than_equal": {"id": "Terlalu kecil.", "en": "This is too small."},
    "less_than_equal": {"id": "Terlalu besar.", "en": "This is too large."},
    "uuid_parsing": {"id": "Bukan UUID.", "en": "This is not a UUID."},
    "datetime_parsing": {"id": "Bukan waktu ISO 8601.", "en": "This is not an ISO 8601 time."},
    "datetime_from_date_parsing": {"id": "Bukan waktu ISO 8601.", "en": "This is not an ISO 8601 time."},
    "timezone_aware": {"id": "Waktu harus menyebut zona waktu.", "en": "The time must name its offset."},
}
DEFAULT: Final[Text] = {"id": "Isian tidak sah.", "en": "This value is not valid."}


def message_for(error: Mapping[str, Any]) -> Text:
    """Return the message of an entry of `ValidationError.errors()`.

    If the validator itself set a message, return that message instead of the one for the error's type.
    """
    own = error.get("ctx") or {}
    if "id" in own and "en" in own:
        return {"id": str(own["id"]), "en": str(own["en"])}
    return BY_TYPE.get(str(error["type"]), DEFAULT)
