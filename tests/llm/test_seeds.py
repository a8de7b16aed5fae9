from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.llm.doubles import run_python
from workbench.llm.seeds import derive_seed

PARTS = st.lists(st.integers() | st.text(), max_size=4)


@given(PARTS)
def test_seed_is_a_number_that_endpoints_take(parts):
    assert 0 <= derive_seed(*parts) < 2**31


@given(PARTS, PARTS)
def test_seed_depends_on_the_parts_alone(one, other):
    assert (derive_seed(*one) == derive_seed(*other)) == (one == other)


def test_seed_tells_parts_apart():
    assert (
        len({derive_seed("ab", "c"), derive_seed("a", "bc"), derive_seed("abc"), derive_seed(1), derive_seed("1")}) == 5
    )


def test_seed_is_the_same_in_another_process_and_for_ever():
    code = "from workbench.llm.seeds import derive_seed; print(derive_seed(7, 1, 'Lisa', '你好'))"
    assert int(run_python(code)) == derive_seed(7, 1, "Lisa", "你好") == 1296997200
