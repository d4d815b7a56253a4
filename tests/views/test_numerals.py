import pytest

from mindvis_gui.views.numerals import coefficient


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.624, ".62"),
        (-0.05, "−.05"),
        (1.0, "1.00"),
        (-0.001, ".00"),
        (None, "–"),
        (float("nan"), "–"),
    ],
)
def test_coefficients_are_written_as_in_papers(value, text):
    assert coefficient(value) == text
