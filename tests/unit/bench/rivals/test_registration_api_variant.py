from __future__ import annotations

import pytest

from bench.rivals.registration_api_variant import VARIANTS, replace_parts
from registration.processes import api


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_replaced_part_exists_in_the_api_process(variant: str) -> None:
    assert all(hasattr(api, name) for name in VARIANTS[variant])


def test_replacing_a_part_that_does_not_exist_is_refused() -> None:
    with pytest.raises(AttributeError, match="Vanished"):
        replace_parts({"Vanished": object()})
