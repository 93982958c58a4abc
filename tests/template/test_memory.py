"""How much memory a project's steps take of data that is large."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
from pathlib import Path

import pytest

from terrace.scaffold import Template, new

MB = 2**20
MEASURE = """
import json, resource, sys
from pathlib import Path
from late_flights import data
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
file = Path(sys.argv[1])
try:
    said = str(data.validate(file))
except data.BadDataError as error:
    said = str(error)
data.version(file)
grew = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(json.dumps({"said": said, "megabytes": grew // 1024}))
"""


@pytest.mark.slow
def test_validation_takes_little_more_memory_for_more_data(template: Template, shared: Path, tmp_path: Path) -> None:
    """200 MB are read a part at a time: what grows is a hash a row, and rows that are there twice are still found."""
    project = tmp_path / "late-flights"
    new(project, {"project_name": "Late flights", "level": 2}, defaults=True, template=template)
    packed = gzip.decompress((project / "data/sample.csv.gz").read_bytes()).decode()
    head, _, rows = packed.partition("\n")
    grew = {}
    for size in (40 * MB, 200 * MB):
        file = tmp_path / "flights.csv"
        with file.open("w") as opened:
            opened.write(head + "\n")
            for _ in range(size // len(rows)):
                opened.write(rows)
        environment = {**os.environ, "PYTHONPATH": str(project / "src")}
        done = subprocess.run(
            [shared / "bin/python", "-c", MEASURE, file], env=environment, capture_output=True, text=True, check=True
        )
        told = json.loads(done.stdout)
        lines = rows.count("\n")
        assert "few rows are there twice" in told["said"]
        assert f"first at {lines}, {lines + 1}, {lines + 2}" in told["said"]
        grew[size] = told["megabytes"]
    assert grew[200 * MB] - grew[40 * MB] < 80, grew
