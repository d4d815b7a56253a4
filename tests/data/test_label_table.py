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
    "names with numbers, on the line above": "V 2\n1 0 0 255 255\n7 Networks\n2 9 9 9 255\n",
    "a second number": "1 Precentral_L 2001\n2 Precentral_R 2002\n",
    "a number in the name": "1 Area 17\n2 Area 18\n3 hV4\n",
    "colours without names": "1 10 20 30\n2 11 21 31\n3 V3 1 2 3\n",
    "places": "1 Left V1 -12.0 -84 3\n2 hV4 25 -80.5 -10\n",
    "colours as of web pages": "1 Left V1 #ff0000\n2 hV4 #00FF00ff\n",
    "comments": "1 Left V1 # calcarine, early\n2 hV4 # x\n",
    "descriptions": f"1 V1 primary, calcarine\n2 hV4 (L/R)\n3 V3 {'of the cortex ' * 9}\n",
    "tabs": "index\tname\tcolour\n1\tLeft V1\t#ff0000\n2\thV4\t#00ff00\n",
}
NAMES = {
    "names of several words": {1: "Left V1", 2: "Left hV4"},
    "a name first": {1: "V1", 2: "hV4"},
    "FreeSurfer": {1: "Left V1", 2: "hV4"},
    "colours from 0 to 1": {1: "Left V1", 2: "hV4"},
    "ITK-SNAP": {0: "Clear Label", 1: "Left V1"},
    "Connectome Workbench": {1: "Left V1", 2: "hV4"},
    "names with numbers, on the line above": {1: "V 2", 2: "7 Networks"},
    "a second number": {1: "Precentral_L", 2: "Precentral_R"},
    "a number in the name": {1: "Area 17", 2: "Area 18", 3: "hV4"},
    "colours without names": {3: "V3"},
    "places": {1: "Left V1", 2: "hV4"},
    "colours as of web pages": {1: "Left V1", 2: "hV4"},
    "comments": {1: "Left V1", 2: "hV4"},
    "descriptions": {1: "V1", 2: "hV4", 3: "V3"},
    "tabs": {1: "Left V1", 2: "hV4"},
}


@pytest.mark.parametrize("kind", TABLES)
def test_names_of_labels(tmp_path, kind):
    suffix = ".tsv" if kind == "tabs" else ".txt"
    (tmp_path / f"atlas{suffix}").write_text(TABLES[kind])
    assert label_names(tmp_path / "atlas.nii.gz") == NAMES[kind]
