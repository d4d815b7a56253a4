"""The file of a run's numbers."""

import subprocess
import sys
from pathlib import Path

ROOT = str(Path(__file__).parents[2])
WRITE = """
from pathlib import Path
from mindvis_gui.training.metrics import MetricLog
log = MetricLog(Path("."))
log.cut(0)
log.write(1, "train", {"loss": 0.5})
log.cut(1)
"""


def test_the_encoding_is_not_the_machine_s(tmp_path):
    strict = ["-X", "warn_default_encoding", "-W", "error::EncodingWarning"]
    run = subprocess.run(
        [sys.executable, *strict, "-c", f"import sys; sys.path.insert(0, {ROOT!r}){WRITE}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert (tmp_path / "metrics.csv").read_text().splitlines() == [
        "step,kind,name,value",
        "1,train,loss,0.5",
    ]
