"""An algorithm's whole container: print a score that depends on one parameter."""

import json
import os
import pathlib

parameters = json.loads(pathlib.Path("/opt/ml/input/config/hyperparameters.json").read_text())
score = -abs(float(parameters["rate"]) - 0.3)
pathlib.Path(os.environ["SM_MODEL_DIR"], "model.json").write_text(json.dumps({"score": score}))
print(f"score={score};")  # noqa: T201  (what the metric's pattern finds)
