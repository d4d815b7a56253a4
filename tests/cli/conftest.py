import pytest


@pytest.fixture
def import_words(published_files, tmp_path):
    """Return the words of the command that imports the published files as the model ``god``."""
    options = zip(("--ldm", "--finetuned", "--encoder"), published_files.values(), strict=True)
    words = [str(word) for pair in options for word in pair]
    return ["import-model", *words, "--out", str(tmp_path / "models" / "god")]
