from mindvis_gui.wording import are, counted


def test_one_is_one_and_others_are_many():
    assert [counted(n, "trial") for n in (0, 1, 2450)] == ["0 trials", "1 trial", "2,450 trials"]
    assert [counted(n, "stimulus") for n in (1, 2)] == ["1 stimulus", "2 stimuli"]


def test_the_verb_goes_with_the_number():
    assert [are(n) for n in (0, 1, 2)] == ["are", "is", "are"]
