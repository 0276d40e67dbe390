import pytest
from hypothesis import given
from hypothesis import strategies as st

from registration.auth.api_keys import ApiKeys, Caller, Role, StoredKey, new_key


class Store:
    """API keys in memory; counts how often it is asked."""

    def __init__(self) -> None:
        self.keys: dict[str, StoredKey] = {}
        self.asked = 0
        self.now = 0.0

    async def find(self, key_id: str) -> StoredKey | None:
        self.asked += 1
        return self.keys.get(key_id)

    def clock(self) -> float:
        return self.now


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def keys(store: Store) -> ApiKeys:
    return ApiKeys(store.find, store.clock, cached_s=10)


async def test_a_key_is_recognised_by_its_secret_alone(store: Store, keys: ApiKeys) -> None:
    key_id, text, digest = new_key()
    store.keys[key_id] = StoredKey(Role.OFFICER, digest)

    assert await keys.caller(text) == Caller(f"key:{key_id}", Role.OFFICER)
    assert await keys.caller(text[:-1] + ("A" if text[-1] != "A" else "B")) is None


async def test_an_unknown_key_is_nobodys(keys: ApiKeys) -> None:
    _, text, _ = new_key()

    assert await keys.caller(text) is None


@given(st.text(max_size=90))
async def test_a_text_of_another_form_is_nobodys_and_costs_no_query(text: str) -> None:
    store = Store()

    assert await ApiKeys(store.find, store.clock).caller(text) is None
    assert store.asked == 0


async def test_a_revoked_key_ends_when_what_was_heard_grows_old(store: Store, keys: ApiKeys) -> None:
    key_id, text, digest = new_key()
    store.keys[key_id] = StoredKey(Role.BOOTH, digest)
    assert await keys.caller(text) is not None

    del store.keys[key_id]
    within = await keys.caller(text)
    store.now += 10
    after = await keys.caller(text)

    assert within is not None
    assert after is None
    assert store.asked == 2


async def test_memory_is_bounded_however_many_keys_are_tried(store: Store, keys: ApiKeys) -> None:
    for _ in range(1_100):
        await keys.caller(new_key()[1])

    assert len(keys._cached) == 1_000


def test_a_role_may_what_those_before_it_may() -> None:
    assert Role.BOOTH < Role.OFFICER < Role.ADMIN
    assert Caller("public", None).channel == "web"
    assert Caller("key:1", Role.BOOTH).channel == "booth"
