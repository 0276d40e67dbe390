"""Feeds mutated import files to the reading and validation of imports: `python -m tests.fuzz.import_files`.

Valid files are changed by quotation marks, separators, encodings, truncation, huge cells, NUL characters and
formulas. Whatever the file, nothing raises, and every line is counted once as heading, blank, accepted or
rejected. Exit 1 after a finding, whose file is kept.
"""

from __future__ import annotations

import random
import resource
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Final

import typer
import uuid_utils
import uuid_utils.compat

from deploy.local.paths import ROOT
from registration.cipher import Cipher
from registration.imports.cell_encryption import CellEncryption
from registration.imports.chunk_encoding import pack
from registration.imports.csv_reader import chunks, open_csv, read_header, rows
from registration.imports.file_faults import UnusableFileError
from registration.imports.file_inspection import inspect_file
from registration.imports.preview import first_rows
from registration.imports.row_validation import ChunkContext, OpenScopes, RowValidator
from registration.regions import read_regions
from settings.contract_files import contract_path

FOLDER: Final = ROOT / ".local/fuzz"
MEMORY_BYTES_MAX: Final = 150_000_000
ROWS_MAX: Final = 4
PROGRESS_FILES: Final = 64
MUTATIONS_MAX: Final = 5
HEADINGS: Final = (
    "name,nik,region,consent,phone",
    "Nama Lengkap,No. KTP,Kelurahan,Persetujuan,No. HP,Nama usaha,Bidang usaha,steps,occurred_at",
    "line,column,reason,sentence_id,sentence_en,nik,name,consent,region",
    "No,Name,,NIK,Region,Consent,Alamat",
)
IGNORED: Final = ("No", "Alamat")
PEOPLE_MAX: Final = 12
REGIONS: Final = ("31.71.01.1001", "3171011001", "Gambir, Jakarta Pusat", "Gambir")
SEPARATORS: Final = (",", ";", "\t", "|")
LINE_ENDS: Final = ("\n", "\r\n", "\r")
CODECS: Final = ("utf-8", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "latin-1")
TOKENS: Final = (
    *('"', '""', '"""', '"x', "'", ",", ";", "\t", "|", "\n", "\r", "\r\n", "\0", "\x1a", "\\", " ", "\xa0"),
    *(
        "=1+1",
        '="3199014101900021"',
        "+62",
        "-",
        "@SUM(A1)",
        "#REF!",
        "#MERGED!",
        "3,19935E+15",
        "NULL",
        "nan",
    ),
    *(
        "\ufeff",
        "\u200b",
        "\u3164",
        "\ufffd",
        "é",
        "😀",
        "\ud800",
        "\u2028",
        "\x85",
        "sep=;\n",
        "sep=",
        "1" * 400,
    ),
    *("x" * 70_000, '"' * 5_000, "," * 5_000, "\n" * 300, "é" * 66_000),
)

Mutation = Callable[[random.Random, str], str]


class Target:
    """Reads a file as an import does, and counts its lines."""

    def __init__(self) -> None:
        cipher = Cipher(bytes(range(32)))
        self._encryption = CellEncryption(cipher)
        self._validator = RowValidator(
            cipher,
            read_regions(contract_path("regions.csv")),
            frozenset({"2026-01"}),
            uuid_utils.compat.uuid7,
        )
        self.imported = 0

    def feed(self, path: Path) -> None:
        """Raise AssertionError if a line of the file is lost or counted twice."""
        try:
            inspection = inspect_file(path, IGNORED)
        except UnusableFileError:
            return
        self.imported += 1
        first_rows(path, inspection.header)
        with open_csv(path) as lines:
            text = lines.read()
        physical = text.count("\n") + (not text.endswith("\n"))
        assert inspection.lines == physical, f"{inspection.lines} of {physical} lines inspected"
        assert self._counted(path) == physical, "a line is lost or counted twice"

    def _counted(self, path: Path) -> int:
        with open_csv(path) as lines:
            header = read_header(lines, IGNORED)
            counted = header.line
            context = ChunkContext("", header, OpenScopes(frozenset(), frozenset()), datetime.now(UTC))
            for chunk in chunks(rows(lines, header), header.line, ROWS_MAX):
                packed = pack(self._validator.validate(chunk, context), uuid_utils.uuid7)
                accepted = {row.row for row in packed.unpacked().accepted}
                rejected = {cell.row for cell in packed.rejected}
                assert not accepted & rejected, "a row is accepted and rejected"
                self._encryption.seal("", [row for row in chunk if row.number in rejected])
                counted += len(accepted) + len(rejected) + packed.blank
        return counted


def generate(rng: random.Random) -> bytes:
    """Return the next file."""
    heading = rng.choice(HEADINGS).split(",")
    lines = [heading, *[_person(rng, heading) for _ in range(rng.randint(0, PEOPLE_MAX))]]
    separator, end = rng.choice(SEPARATORS), rng.choice(LINE_ENDS)
    text = end.join([separator.join(_quoted(cell, separator) for cell in line) for line in lines]) + end
    for _ in range(rng.randint(0, MUTATIONS_MAX)):
        text = rng.choice(MUTATIONS)(rng, text)
    content = text.encode(rng.choice(CODECS), "replace")
    return rng.choice(BYTE_MUTATIONS)(rng, content)


def _person(rng: random.Random, heading: Sequence[str]) -> list[str]:
    known = {
        "nik": f"3199{rng.randint(1, 28):02d}{rng.randint(1, 12):02d}90{rng.randint(1, 9_999):06d}"[:16],
        "no. ktp": f"31990141019{rng.randint(0, 99_999):05d}",
        "region": rng.choice(REGIONS),
        "kelurahan": rng.choice(REGIONS),
        "consent": "2026-01",
        "persetujuan": "2026-01",
        "phone": f"08123456{rng.randint(0, 9_999):04d}",
        "no. hp": "",
        "nama usaha": "Warung",
        "bidang usaha": "kuliner",
        "steps": "P2;P3",
        "occurred_at": "2021-10-24T19:04:58+07:00",
    }
    return [known.get(name.casefold(), f"Peserta {rng.randint(0, 99)}") for name in heading]


def _quoted(cell: str, separator: str) -> str:
    return f'"{cell}"' if separator in cell else cell


def _inserted(rng: random.Random, text: str) -> str:
    place = rng.randint(0, len(text))
    return text[:place] + rng.choice(TOKENS) + text[place:]


def _deleted(rng: random.Random, text: str) -> str:
    start = rng.randint(0, len(text))
    return text[:start] + text[start + rng.choice((1, 1, 3, 40)) :]


def _repeated(rng: random.Random, text: str) -> str:
    start = rng.randint(0, len(text))
    return text + text[start : start + rng.choice((1, 20, 200))]


def _replaced_separator(rng: random.Random, text: str) -> str:
    return text.replace(rng.choice(SEPARATORS), rng.choice(SEPARATORS), rng.choice((1, 3, -1)))


def _as_it_is(_rng: random.Random, content: bytes) -> bytes:
    return content


def _truncated(rng: random.Random, content: bytes) -> bytes:
    return content[: rng.randint(0, len(content))]


def _flipped(rng: random.Random, content: bytes) -> bytes:
    changed = bytearray(content)
    for _ in range(rng.randint(1, 4) if content else 0):
        changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed)


MUTATIONS: Final[Sequence[Mutation]] = (
    _inserted,
    _inserted,
    _inserted,
    _deleted,
    _repeated,
    _replaced_separator,
)
BYTE_MUTATIONS: Final[Sequence[Callable[[random.Random, bytes], bytes]]] = (
    _as_it_is,
    _as_it_is,
    _as_it_is,
    _truncated,
    _flipped,
)


def main(
    seconds: Annotated[int, typer.Option(help="How long to feed files.")] = 60,
    files: Annotated[int | None, typer.Option(help="How many files to feed, instead of `seconds`.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the files; by default the time.")] = None,
    replay: Annotated[Path | None, typer.Option(help="Feed only this file.")] = None,
) -> None:
    """Feed mutated files to the reading and validation of imports."""
    target = Target()
    if replay is not None:
        target.feed(replay)
        return
    seed = int(time.time()) if seed is None else seed
    rng, fed, started = random.Random(seed), 0, time.monotonic()
    with TemporaryDirectory() as folder:
        path = Path(folder, "people.csv")
        while fed < files if files is not None else time.monotonic() - started < seconds:
            path.write_bytes(generate(rng))
            _feed(target, path)
            fed += 1
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    typer.echo(
        f"{fed} import files in {time.monotonic() - started:.0f} s, seed {seed}: 0 findings; "
        f"{target.imported} had a heading; {used / 1e6:.0f} MB of memory"
    )
    if used > MEMORY_BYTES_MAX:
        typer.echo(f"1 finding: more than {MEMORY_BYTES_MAX / 1e6:.0f} MB of memory")
        raise typer.Exit(1)


def _feed(target: Target, path: Path) -> None:
    """Feed one file. After a finding, keep the file and print how to repeat it."""
    try:
        target.feed(path)
    except Exception:
        FOLDER.mkdir(parents=True, exist_ok=True)
        kept = FOLDER / f"finding-{int(time.time())}.csv"
        kept.write_bytes(path.read_bytes())
        typer.echo(f"1 finding: python -m tests.fuzz.import_files --replay {kept}")
        raise


if __name__ == "__main__":
    typer.run(main)
