"""What the README shows in Python works."""

import re
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"


def test_the_script_of_the_readme_decodes_a_trial():
    (script,) = re.findall(r"```python\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    names = {}
    exec(script, names)
    assert names["trial"].label == "taxi"
    assert [(each.shape, each.dtype) for each in names["pictures"]] == [((64, 64, 3), "uint8")] * 2
