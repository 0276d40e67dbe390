import pytest
from hypothesis import given
from hypothesis import strategies as st

from registration.auth.api_keys import ApiKeys, StoredKey, new_key
from registration.auth.callers import Caller, Role


class Store:
    """Keeps API keys in memory, and counts the lookups."""

    def __init__(self) -> None:
        self.keys: dict[str, StoredKey] = {}
        self.lookups = 0
        self.now = 0.0

    async def find(self, key_id: str) -> StoredKey | None:
        self.lookups += 1
        return self.keys.get(key_id)

    def clock(self) -> float:
        return self.now


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def keys(store: Store) -> ApiKeys:
    return ApiKeys(store.find, store.clock, cached_s=10)


async def test_a_key_is_accepted_only_with_its_secret(store: Store, keys: ApiKeys) -> None:
    key_id, text, digest = new_key()
    store.keys[key_id] = StoredKey(Role.OFFICER, digest)

    assert await keys.identify(text) == Caller(f"key:{key_id}", Role.OFFICER)
    assert await keys.identify(text[:-1] + ("A" if text[-1] != "A" else "B")) is None


async def test_an_unknown_key_is_rejected(keys: ApiKeys) -> None:
    _, text, _ = new_key()

    assert await keys.identify(text) is None


@given(st.text(max_size=90))
async def test_a_malformed_key_is_rejected_without_a_query(text: str) -> None:
    store = Store()

    assert await ApiKeys(store.find, store.clock).identify(text) is None
    assert store.lookups == 0


async def test_a_revoked_key_is_rejected_when_the_cached_lookup_expires(store: Store, keys: ApiKeys) -> None:
    key_id, text, digest = new_key()
    store.keys[key_id] = StoredKey(Role.BOOTH, digest)
    assert await keys.identify(text) is not None

    del store.keys[key_id]
    within = await keys.identify(text)
    store.now += 10
    after = await keys.identify(text)

    assert within is not None
    assert after is None
    assert store.lookups == 2


async def test_the_cache_holds_at_most_a_thousand_keys(store: Store, keys: ApiKeys) -> None:
    for _ in range(1_100):
        await keys.identify(new_key()[1])

    assert len(keys._cached) == 1_000


def test_roles_are_ordered_and_give_the_channel() -> None:
    assert Role.BOOTH < Role.OFFICER < Role.ADMIN
    assert Caller("public", None).channel == "web"
    assert Caller("key:1", Role.BOOTH).channel == "booth"
