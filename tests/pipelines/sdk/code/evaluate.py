"""Score a model by its rows."""

import json
import pathlib
import tarfile

with tarfile.open("/opt/ml/processing/model/model.tar.gz") as archive:
    model = json.load(archive.extractfile("model.json"))
report = {"metrics": {"score": {"value": model["rows"] / 4}}}
pathlib.Path("/opt/ml/processing/report/report.json").write_text(json.dumps(report))
