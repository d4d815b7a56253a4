"""What two processes do in `test_processes.py`: every command line of a file, one after the other.

accelerate launch --multi_gpu --num_processes 2 launched.py COMMANDS.json
"""

import json
import runpy
import sys
from pathlib import Path

import torch
from accelerate import PartialState

torch.set_num_threads(1)
leave = PartialState.destroy_process_group
PartialState.destroy_process_group = lambda self, group=None: None  # one start serves all commands
for words in json.loads(Path(sys.argv[1]).read_text()):
    sys.argv = ["mindvis", *words]
    try:
        runpy.run_module("mindvis_gui.cli", run_name="__main__")
    except SystemExit as end:
        if end.code:
            raise
leave(PartialState())
