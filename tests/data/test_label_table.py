"""Tables of labels as atlases and programs write them."""

import pytest

from mindvis_gui.data.label_table import label_names

TABLES = {
    "names of several words": "1 Left V1\n2: Left hV4\n",
    "a name first": "V1 1\nhV4 2\n",
    "FreeSurfer": "#No. Label Name:  R  G  B  A\n\n1  Left V1   120  18 134   0\n2 hV4 1 2 3 0\n",
    "colours from 0 to 1": "1 Left V1 0.5 1.0 0.25\n2 hV4 1 1 0\n",
    "ITK-SNAP": '# ITK-SnaP\n0 0 0 0 0 0 0 "Clear Label"\n1 255 0 0 1 1 1 "Left V1"\n',
    "Connectome Workbench": "Left V1\n1 10 20 30 255\nhV4\n2 11 21 31 255\n",
    "a second number": "1 Precentral_L 2001\n",
    "tabs": "index\tname\tcolour\n1\tLeft V1\t#ff0000\n2\thV4\t#00ff00\n",
}
NAMES = {
    "names of several words": {1: "Left V1", 2: "Left hV4"},
    "a name first": {1: "V1", 2: "hV4"},
    "FreeSurfer": {1: "Left V1", 2: "hV4"},
    "colours from 0 to 1": {1: "Left V1", 2: "hV4"},
    "ITK-SNAP": {0: "Clear Label", 1: "Left V1"},
    "Connectome Workbench": {1: "Left V1", 2: "hV4"},
    "a second number": {1: "Precentral_L"},
    "tabs": {1: "Left V1", 2: "hV4"},
}


@pytest.mark.parametrize("kind", TABLES)
def test_names_of_labels(tmp_path, kind):
    suffix = ".tsv" if kind == "tabs" else ".txt"
    (tmp_path / f"atlas{suffix}").write_text(TABLES[kind])
    assert label_names(tmp_path / "atlas.nii.gz") == NAMES[kind]
