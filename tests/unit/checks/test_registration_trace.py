from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from checks.structure.source_tree import SourceTree
from checks.structure.trace.profile_hook import first_entries
from checks.structure.trace.report import CalledModule, as_markdown, trace_of
from checks.structure.trace.traced_registration import TraceError, Window, free_ports
from checks.structure.trace.tracing_venv import make_interpreter

PREFIX = "/checkout/services/"


class Recorder:
    """Calls functions under the profile function and collects the lines that it writes."""

    def __init__(self) -> None:
        self.window = bytearray([Window.IDLE])
        self.lines: list[str] = []

    def run(self, *calls: Callable[[], object]) -> list[str]:
        """Call the functions and return `window file` for each line that was written."""
        profile = first_entries(PREFIX, self.window, self.lines.append)
        before = sys.getprofile()
        sys.setprofile(profile)
        try:
            for call in calls:
                call()
        finally:
            sys.setprofile(before)
        return [" ".join((line.split()[0], line.split()[2])) for line in self.lines]

    def set_window(self, window: Window) -> None:
        self.window[0] = window


def function(file: str) -> Callable[[], object]:
    """Return a function whose code has this file name."""
    names: dict[str, Callable[[], object]] = {}
    exec(compile("def called(): return 1", file, "exec"), names)
    return names["called"]


def test_a_file_is_recorded_once_in_a_window() -> None:
    call = function(f"{PREFIX}shop/store.py")

    assert Recorder().run(call, call) == [f"1 {PREFIX}shop/store.py"]


def test_a_file_is_recorded_again_in_the_next_window() -> None:
    recorder = Recorder()
    call = function(f"{PREFIX}shop/store.py")

    lines = recorder.run(call, lambda: recorder.set_window(Window.TO_THE_ANSWER), call)

    assert lines == [f"1 {PREFIX}shop/store.py", f"2 {PREFIX}shop/store.py"]


def test_nothing_is_recorded_while_the_trace_is_off() -> None:
    recorder = Recorder()
    recorder.set_window(Window.OFF)

    assert recorder.run(function(f"{PREFIX}shop/store.py")) == []


def test_files_outside_the_services_are_not_recorded() -> None:
    assert Recorder().run(function("/usr/lib/python/json.py")) == []


def test_running_a_modules_body_is_not_recorded() -> None:
    body = compile("a = 1", f"{PREFIX}shop/store.py", "exec")

    assert Recorder().run(lambda: exec(body)) == []


def test_the_tracing_interpreter_traces_services_and_has_the_packages(tmp_path: Path) -> None:
    services = tmp_path / "services"
    (services / "shop").mkdir(parents=True)
    (services / "shop" / "__main__.py").write_text(
        "import pytest\ndef serve(): print(pytest.__name__)\nserve()\n"
    )
    (tmp_path / "window").write_bytes(bytes([Window.TO_THE_ANSWER]))

    python = make_interpreter(Path(sys.executable), tmp_path, services)
    words = [str(python), "-m", "shop", "api"]
    done = subprocess.run(words, cwd=services, capture_output=True, text=True, check=True)

    (log,) = tmp_path.glob("*.log")
    command, called = log.read_text().splitlines()
    assert done.stdout == "pytest\n"
    assert command == "shop api"
    assert called.startswith("2 ")
    assert called.endswith(f"{services}/shop/__main__.py")


@pytest.fixture
def tree(tmp_path: Path) -> SourceTree:
    """Return a checkout in which the register's API imports the register's store."""
    for name, text in {
        "registration/api.py": "from registration import store",
        "registration/store.py": "",
        "board/page.py": "",
    }.items():
        path = tmp_path / "services" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return SourceTree(tmp_path)


def log(tree: SourceTree, *entries: tuple[Window, float, str]) -> list[str]:
    return [f"{window.value} {at_s} {tree.root}/services/{file}" for window, at_s, file in entries]


def test_modules_are_listed_in_call_order_with_leaves_and_idle_calls_marked(tree: SourceTree) -> None:
    api = log(
        tree,
        (Window.TO_THE_ANSWER, 3.0, "registration/store.py"),
        (Window.IDLE, 1.0, "registration/api.py"),
        (Window.TO_THE_ANSWER, 2.0, "registration/api.py"),
        (Window.TO_THE_ANSWER, 4.0, "registration/sql/read.sql"),
        (Window.TO_THE_SCREEN, 5.0, "board/page.py"),
    )

    trace = trace_of({"registration api": api}, tree)

    assert trace.to_the_commit.called == [
        CalledModule("registration.api", is_leaf=False, also_idle=True),
        CalledModule("registration.store", is_leaf=True, also_idle=False),
        CalledModule("registration/sql/read.sql", is_leaf=True, also_idle=False),
    ]


def test_other_processes_follow_in_time_order_and_idle_processes_are_left_out(tree: SourceTree) -> None:
    logs = {
        "registration api": [],
        "board serve": log(tree, (Window.TO_THE_SCREEN, 9.0, "board/page.py")),
        "registration relay": log(tree, (Window.TO_THE_ANSWER, 8.0, "registration/store.py")),
        "notifier run": log(tree, (Window.IDLE, 1.0, "board/page.py")),
    }

    trace = trace_of(logs, tree)

    assert [process.command for process in trace.onward] == ["registration relay", "board serve"]
    assert trace.to_the_screen() == {"registration.store", "board.page"}
    assert "| registration relay | 1 | 1 | 0 | 0 |" in as_markdown(trace)


def test_a_trace_without_the_api_is_refused(tree: SourceTree) -> None:
    with pytest.raises(TraceError, match="board serve"):
        trace_of({"board serve": []}, tree)


def test_free_ports_are_different() -> None:
    assert len(set(free_ports(5))) == 5
