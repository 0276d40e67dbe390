"""Modules, functions and nested blocks over the limits are found."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks.findings import run
from checks.size_limits import DESCRIPTION, check, check_source

PATH = Path("services/shop/till.py")


def rules(source: str) -> list[tuple[int, str]]:
    return [(finding.line, finding.rule) for finding in check_source(PATH, source)]


def function_of(lines: int) -> str:
    return "def sell():\n" + "    pay()\n" * (lines - 1)


def test_a_module_may_have_400_lines() -> None:
    assert rules("x = 1\n" * 400) == []


def test_a_module_of_401_lines_is_too_long() -> None:
    assert rules("x = 1\n" * 401) == [(1, "module-lines")]


def test_a_function_may_have_60_lines() -> None:
    assert rules(function_of(60)) == []


@pytest.mark.parametrize("prefix", ["", "async "])
def test_a_function_of_61_lines_is_too_long(prefix: str) -> None:
    assert rules(prefix + function_of(61)) == [(1, "function-lines")]


def test_a_function_of_a_composition_root_may_have_40_lines() -> None:
    root = Path("services/shop/processes/till.py")

    assert [finding.rule for finding in check_source(root, function_of(40))] == []
    assert [finding.rule for finding in check_source(root, function_of(41))] == ["function-lines"]


def test_three_nested_blocks_are_allowed() -> None:
    assert rules("def sell():\n for a in b:\n  with c:\n   if d: pay()\n") == []


@pytest.mark.parametrize(
    "opening",
    ["if d:", "for d in e:", "while d:", "with d:", "match d:\n     case 1:"],
)
def test_a_fourth_nested_block_is_too_deep(opening: str) -> None:
    source = f"def sell():\n for a in b:\n  with c:\n   if d:\n    {opening}\n      pay()\n"

    assert rules(source) == [(5, "nesting")]


def test_a_try_is_a_block_and_blocks_in_its_handlers_are_nested_in_it() -> None:
    source = (
        "def sell():\n try:\n  pay()\n except OSError:\n  for a in b:\n   while c:\n    if d:\n     pay()\n"
    )

    assert rules(source) == [(7, "nesting")]


def test_an_elif_chain_is_one_block() -> None:
    source = "def sell():\n if a: pay()\n elif b: pay()\n elif c: pay()\n elif d: pay()\n else: pay()\n"

    assert rules(source) == []


def test_an_if_inside_an_else_is_a_block_of_its_own() -> None:
    source = (
        "def sell():\n if a: pay()\n else:\n  if b: pay()\n  else:\n"
        "   if c: pay()\n   else:\n    if d: pay()\n"
    )

    assert rules(source) == [(8, "nesting")]


def test_a_nested_function_is_measured_separately() -> None:
    source = "def sell():\n for a in b:\n  if c:\n   def pay():\n    for d in e:\n     if f: return 1\n"

    assert rules(source) == []


def test_a_deep_block_is_reported_once_with_all_blocks_inside_it() -> None:
    source = "def sell():\n if a:\n  if b:\n   if c:\n    if d:\n     if e: pay()\n"

    assert rules(source) == [(5, "nesting")]


def test_only_the_code_folders_are_checked(tmp_path: Path) -> None:
    for folder in ("services/shop", "elsewhere", "tests/.hidden"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "till.py").write_text("x = 1\n" * 401)

    found = [finding.path for finding in check(tmp_path)]

    assert found == [PATH]


def test_a_finding_is_printed_with_its_remedy_and_ends_with_status_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "services").mkdir()
    (tmp_path / "services" / "till.py").write_text("x = 1\n" * 401)

    status = run(check, "limits", DESCRIPTION, [str(tmp_path)])

    assert status == 1
    printed = capsys.readouterr().out
    assert printed == "services/till.py:1: module-lines: 401 lines, 400 at most: split the module\n"


def test_without_findings_the_status_is_0_and_nothing_is_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = run(check, "limits", DESCRIPTION, [str(tmp_path)])

    assert (status, capsys.readouterr().out) == (0, "")


def test_a_root_that_is_not_a_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as ended:
        run(check, "limits", DESCRIPTION, [str(tmp_path / "gone")])

    assert ended.value.code == 2
