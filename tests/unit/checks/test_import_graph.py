from __future__ import annotations

from pathlib import Path

import pytest

from checks.structure.import_graph import (
    Graph,
    cycles,
    level_count,
    module_graph,
    names_in_module,
    room_graph,
)
from checks.structure.layer_contracts import Layers, contract_of, read_layers, unlayered, upward
from checks.structure.source_tree import Module, Package


def package(**texts: str) -> Package:
    """Return a service `shop` with these modules; `__` in a name separates folder and module."""
    modules = []
    for name, text in texts.items():
        parts = name.split("__")
        modules.append(
            Module(Path("services", "shop", *parts).with_suffix(".py"), ".".join(["shop", *parts]), text)
        )
    return Package("shop", Path("services/shop"), tuple(modules))


def graph(*arrows: str) -> Graph:
    """Return a graph of arrows such as `ab`, which means that a imports b."""
    return Graph(frozenset("".join(arrows)), frozenset((arrow[0], arrow[1]) for arrow in arrows))


@pytest.mark.parametrize(
    "text",
    [
        "import shop.store",
        "import shop.store as s",
        "from shop import store",
        "from shop.store import save",
        "from . import store",
        "from .store import save",
        "def late():\n    from shop.store import save",
    ],
)
def test_every_form_of_import_is_an_arrow(text: str) -> None:
    found = module_graph(package(orders=text, store="import os"))

    assert found.arrows == {("shop.orders", "shop.store")}


def test_imports_of_other_packages_are_no_arrows() -> None:
    assert not module_graph(package(orders="import asyncpg\nfrom shopping import store")).arrows


def test_imports_within_a_room_are_no_arrows_between_rooms() -> None:
    modules = package(
        api__routes="from shop.api import forms\nfrom shop.store import rows",
        api__forms="from shop.store.rows import Row",
        store__rows="",
    )

    rooms = room_graph(modules, module_graph(modules))

    assert rooms.names == {"shop.api", "shop.store"}
    assert rooms.arrows == {("shop.api", "shop.store")}


def test_a_leaf_imports_nothing_of_its_package() -> None:
    assert module_graph(package(orders="from shop import store", store="import os")).leaves() == {
        "shop.store"
    }


def test_the_levels_are_the_length_of_the_longest_chain() -> None:
    assert level_count(graph("ab", "bc", "cd", "ad")) == 4
    assert level_count(graph()) == 0


def test_a_cycle_is_one_level() -> None:
    cycle_with_neighbours = graph("ab", "bc", "ca", "cd", "ea")

    assert cycles(cycle_with_neighbours) == [["a", "b", "c"]]
    assert level_count(cycle_with_neighbours) == 3


def test_two_separate_cycles_are_two_findings_and_a_chain_is_no_finding() -> None:
    assert cycles(graph("ab", "ba", "cd", "dc", "bc")) == [["a", "b"], ["c", "d"]]
    assert cycles(graph("ab", "bc")) == []


def test_local_names_map_to_the_imported_names() -> None:
    (module,) = package(orders="import a.b\nimport c.d as e\nfrom f import g as h").modules

    assert names_in_module(module) == {"a": "a", "c": "c", "e": "c.d", "h": "f.g"}


LAYERS = Layers("rooms of the shop", (frozenset({"shop.api"}), frozenset({"shop.store", "shop.mail"})))


def test_an_import_of_a_higher_layer_is_upward() -> None:
    modules = package(api__routes="from shop.store import rows", store__rows="from shop.api import routes")

    assert upward(LAYERS, module_graph(modules)) == [("shop.store", "shop.api")]


def test_an_import_within_a_layer_is_not_upward() -> None:
    modules = package(store__rows="from shop.mail import letters", mail__letters="")

    assert upward(LAYERS, module_graph(modules)) == []


def test_rooms_in_no_layer_are_listed() -> None:
    modules = package(api__routes="", clock="")

    assert unlayered(LAYERS, room_graph(modules, module_graph(modules))) == ["shop.clock"]


@pytest.mark.parametrize(
    "contract",
    [
        'layers = ["shop.api", "shop.store | shop.mail"]',
        'containers = ["shop"]\nlayers = ["api", "(store) : mail"]',
    ],
)
def test_a_layers_contract_is_read_with_or_without_a_container(tmp_path: Path, contract: str) -> None:
    (tmp_path / "pyproject.toml").write_text(
        f'[[tool.importlinter.contracts]]\nname = "rooms of the shop"\ntype = "layers"\n{contract}\n'
        '[[tool.importlinter.contracts]]\nname = "other"\ntype = "independence"\nmodules = ["shop"]\n'
    )

    found = read_layers(tmp_path)

    assert found == (LAYERS,)
    assert contract_of("shop", found) == LAYERS
    assert contract_of("bank", found) is None


def test_without_a_pyproject_there_are_no_layers(tmp_path: Path) -> None:
    assert read_layers(tmp_path) == ()
