from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from registration.imports.anonymous_file import anonymous_file, descriptors


def test_a_file_without_a_name_is_in_no_folder_and_can_be_opened_again(tmp_path: Path) -> None:
    folder = tmp_path / "imports"
    with anonymous_file(folder) as path:
        path.write_bytes(b"name,nik\n")
        listed = list(folder.iterdir())
        with path.open("rb") as first, path.open("rb") as second:
            read = first.read(), second.read()

    assert listed == []
    assert read == (b"name,nik\n", b"name,nik\n")
    assert not path.exists()
    assert folder.stat().st_mode & 0o077 == 0


def test_a_child_process_reads_and_writes_files_without_a_name_that_it_inherits(tmp_path: Path) -> None:
    with anonymous_file(tmp_path) as source, anonymous_file(tmp_path) as target:
        source.write_bytes(b"name,nik\n")
        inherited = descriptors(source, target, tmp_path / "7")
        subprocess.run(["cp", source, target], pass_fds=inherited, check=True)
        copied = target.read_bytes()

    assert len(inherited) == 2
    assert copied == b"name,nik\n"


def test_a_folder_that_cannot_be_created_is_an_error_of_the_system(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.touch()

    with pytest.raises(OSError, match="Not a directory"), anonymous_file(blocked / "imports"):
        pass
