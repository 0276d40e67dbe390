from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from checks.structure.__main__ import app, with_command
from checks.structure.client_creation import openings_outside_roots
from checks.structure.files_per_change import UnknownChangeError, changes_of
from checks.structure.files_per_change import as_markdown as changes_as_markdown
from checks.structure.participle_names import is_participle, participles
from checks.structure.report import as_markdown, measure
from checks.structure.sizes import Long, SuiteLines, lines_by_language, lines_of_tests
from checks.structure.source_tree import SourceTree

FILES = {
    "services/shop/__init__.py": "",
    "services/shop/__main__.py": "from database.pool import connect\npool = connect('')\n",
    "services/shop/processes/api.py": "from database.pool import connect\npool = connect('')\n",
    "services/shop/taking.py": "import database.pool as pool\n\nasync def take():\n    pool.connect('')\n",
    "services/shop/store.py": "from shop import taking\nfrom aiokafka import AIOKafkaProducer as P\nP()\n",
    "services/shop/sql/read.sql": "SELECT 1\nFROM shop\n",
    "services/shop/scan.pyx": "cdef int a\n",
    "services/shared/database/pool.py": "import asyncpg\ndef connect(url): asyncpg.create_pool(url)\n",
    "tests/unit/test_shop.py": "a = 1\nb = 2\n",
    "tests/harness/selling.py": "c = 3\n",
    "faults/runner.py": "d = 4\n",
    "faults/tests/test_runner.py": "e = 5\n",
    "bench/long.py": "def long():\n" + "    x = 1\n" * 40 + "\ndef short():\n" + "    y = 1\n" * 39,
    "bench/longer.py": "z = 1\n" * 251,
    "services/shop/.cache/generated.py": "import shop\n",
    "services/shop/__pycache__/generated.py": "import shop\n",
}


@pytest.fixture
def tree(tmp_path: Path) -> SourceTree:
    """A small checkout."""
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return SourceTree(tmp_path)


def test_a_package_with_a_command_line_is_a_service_and_others_are_shared(tree: SourceTree) -> None:
    assert [(package.name, package.is_service) for package in tree.packages] == [
        ("database", False),
        ("shop", True),
    ]


def test_modules_below_shared_have_their_import_names(tree: SourceTree) -> None:
    assert [module.name for module in tree.packages[0].modules] == ["database.pool"]


def test_generated_files_are_not_part_of_the_tree(tree: SourceTree) -> None:
    assert not [path for path in tree.files if path.name == "generated.py"]


def test_lines_are_counted_by_language(tree: SourceTree) -> None:
    shop = tree.packages[1]

    assert lines_by_language(tree, shop) == {"Python": 11, "SQL": 2, "Cython": 1}


def test_clients_may_be_opened_by_composition_roots_only(tree: SourceTree) -> None:
    found = openings_outside_roots(tree.packages)

    assert [(opening.path.name, opening.line, opening.what) for opening in found] == [
        ("store.py", 3, "aiokafka.AIOKafkaProducer"),
        ("taking.py", 4, "database.pool.connect"),
    ]


def test_functions_over_forty_lines_and_modules_over_250_are_found(tree: SourceTree) -> None:
    structure = measure(tree)

    assert structure.long_functions == [Long(Path("bench/long.py"), 1, "long", 41)]
    assert structure.long_modules == [Long(Path("bench/longer.py"), 1, "", 251)]


def test_lines_of_tests_and_of_their_support_are_counted_separately(tree: SourceTree) -> None:
    assert lines_of_tests(tree.modules) == [SuiteLines("tests", 2, 1), SuiteLines("faults", 1, 1)]


@pytest.mark.parametrize(
    "name", ["taking", "showing", "told", "saved", "request_sending", "watched", "seen", "importing"]
)
def test_participles_and_gerunds_are_found_by_the_last_word_of_a_name(name: str) -> None:
    assert is_participle(name)


@pytest.mark.parametrize(
    "name", ["counting", "decoding", "shared", "published_cut", "settings", "string", "feed"]
)
def test_common_verbs_of_the_field_and_nouns_are_no_participles(name: str) -> None:
    assert not is_participle(name)


def test_names_of_module_folders_are_checked_and_names_of_tests_are_not() -> None:
    paths = [Path("shop/importing/rows.py"), Path("tests/test_taking.py"), Path("docs/taking.md")]

    assert participles(paths) == [Path("shop/importing")]


def test_the_report_lists_every_finding(tree: SourceTree) -> None:
    text = as_markdown(measure(tree))

    assert "| **shop** | 11 | 2 | 1 | 4 | 2 | 1 | 4 | 2 | 1 | no layers, 0 cycles |" in text
    assert "- services/shop/taking.py\n" in text
    assert "- services/shop/store.py:3 aiokafka.AIOKafkaProducer" in text
    assert "- bench/long.py:1 long (41 lines)" in text
    assert "| tests | 2 | 1 |" in text


def test_upward_imports_replace_cycles_if_layers_are_declared(tree: SourceTree) -> None:
    (tree.root / "pyproject.toml").write_text(
        '[[tool.importlinter.contracts]]\nname = "layers"\ntype = "layers"\n'
        'layers = ["shop.__main__", "shop.processes", "shop.taking", "shop.store"]\n'
    )

    text = as_markdown(measure(tree))

    assert "| **shop** | 11 | 2 | 1 | 4 | 2 | 1 | 4 | 2 | 1 | 1 |" in text
    assert "- up (layers): shop.store → shop.taking" in text


def test_the_command_prints_markdown_and_writes_json(tree: SourceTree) -> None:
    file = tree.root / "structure.json"
    words = with_command([str(tree.root), "--json", str(file)])

    result = CliRunner().invoke(app, words)

    assert result.exit_code == 0
    assert result.stdout == as_markdown(measure(tree))
    assert json.loads(file.read_text())["participles"] == [
        "services/shop/taking.py",
        "tests/harness/selling.py",
    ]


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ([], ["report"]),
        (["/a/checkout"], ["report", "/a/checkout"]),
        (["--json", "x"], ["report", "--json", "x"]),
        (["trace", "."], ["trace", "."]),
        (["changes", "list"], ["changes", "list"]),
        (["--help"], ["--help"]),
    ],
)
def test_a_command_line_without_a_command_is_a_report(words: list[str], completed: list[str]) -> None:
    assert with_command(words) == completed


def test_files_are_counted_for_each_change_of_a_list(tmp_path: Path) -> None:
    commit(tmp_path, "README.md")
    commit(tmp_path, "services/a.py", "services/b.py", "tests/test_a.py")
    commit(tmp_path, "services/a.py", "LICENSE")

    found = changes_of("# the last two\n\nHEAD  a licence\nHEAD~2..HEAD both\n", tmp_path)

    assert changes_as_markdown(found) == (
        "| change | files | . | services | tests |\n| --- | --- | --- | --- | --- |\n"
        "| a licence | 2 | 1 | 1 | 0 |\n| both | 4 | 1 | 2 | 1 |\n"
    )


def test_an_unknown_change_is_refused(tmp_path: Path) -> None:
    commit(tmp_path, "README.md")

    with pytest.raises(UnknownChangeError, match="no-such"):
        changes_of("no-such-commit", tmp_path)


def commit(repository: Path, *files: str) -> None:
    """Append a line to each of these files and commit."""
    for file in files:
        path = repository / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{path.read_text() if path.exists() else ''}line\n")
    identity = ("-c", "user.name=test", "-c", "user.email=test@example.org")
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "Change"]):
        subprocess.run(["git", *identity, *words], cwd=repository, check=True)
