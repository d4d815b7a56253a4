import pytest

from mindvis_gui.views.sentences import sentence


@pytest.mark.parametrize(
    "text",
    [
        "broken.nii.gz: not a NIfTI file; convert it",
        "my own data.mat: cannot be read",
        "data/subj: no such file",
        "subj_01: no such folder",
        "",
    ],
)
def test_names_of_files_stay_as_they_are(text):
    assert sentence(text) == text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "trial 99 does not exist; choose one of 0 to 23",
            "Trial 99 does not exist; choose one of 0 to 23",
        ),
        (
            "the model of this session is not here: no model at a/b.c",
            "The model of this session is not here: no model at a/b.c",
        ),
        ("figure 'Brain' needs positions", "Figure 'Brain' needs positions"),
    ],
)
def test_sentences_begin_with_a_capital(text, told):
    assert sentence(text) == told
