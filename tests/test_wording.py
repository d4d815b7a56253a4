from mindvis_gui.wording import are, command_line, counted, seeds_text


def test_one_is_one_and_others_are_many():
    assert [counted(n, "trial") for n in (0, 1, 2450)] == ["0 trials", "1 trial", "2,450 trials"]
    assert [counted(n, "stimulus") for n in (1, 2)] == ["1 stimulus", "2 stimuli"]


def test_the_verb_goes_with_the_number():
    assert [are(n) for n in (0, 1, 2)] == ["are", "is", "are"]


def test_seeds_in_a_row_are_a_range_in_whichever_order():
    said = {(3,): "seed 3", (0, 1, 2): "seeds 0–2", (2, 1): "seeds 1–2", (0, 2, 7): "3 seeds"}
    assert {seeds: seeds_text(seeds) for seeds in said} == said


def test_a_command_is_written_as_the_shells_of_the_system_read_it():
    words = ["mindvis", r"C:\my data\s.h5", r"C:\a\b.h5", "--trials", "0,3,5-9", "", 'a"b', "x=1"]
    assert command_line(words, windows=True) == (
        r'mindvis "C:\my data\s.h5" C:\a\b.h5 --trials "0,3,5-9" "" "a\"b" x=1'
    )
    assert command_line(["mindvis", "my data", "0,3", "it's"], windows=False) == (
        """mindvis 'my data' 0,3 'it'"'"'s'"""
    )
