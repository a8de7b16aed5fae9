"""Names of files are safe on every system, and each is another."""

import unicodedata
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from pathvalidate import is_valid_filename

from workbench.record.file_names import file_names, folded


@given(
    st.lists(
        st.text(max_size=80) | st.sampled_from(["Lisa", "LISA", "lisa-2", "CON", "con", "é", "e\u0301", "e/\u0301"])
    )
)
def test_file_names_never_collide_and_stay_inside(names):
    made = file_names(names)
    assert len({folded(name) for name in made}) == len(names)
    for name in made:
        assert is_valid_filename(f"{name}.agent.json", platform="universal")
        assert unicodedata.is_normalized("NFC", name)
        assert Path("/inside", f"{name}.agent.json").resolve().parent == Path("/inside")
        assert len(f"{name}.agent.json".encode()) <= 255
