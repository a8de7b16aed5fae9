"""What `import workbench` promises."""

from __future__ import annotations

import inspect
import json
import os
import pickle
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import workbench
from tests.cast import world_at
from tests.model_server import Fault
from workbench import errors
from workbench.errors import StepFailed, StorageError, WorkbenchError, storage_errors
from workbench.llm.meter import Budget

HEAVY = ("openai", "pandas", "papermill", "matplotlib", "scipy", "numpy", "pydantic", "ipywidgets", "diskcache")
HEAVY += ("faker", "babel", "rapidfuzz")
FAMILY = sorted(
    (kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, WorkbenchError)),
    key=lambda kind: kind.__name__,
)
FACTS = {"path": Path("runs/focus.sqlite"), "step": 3, "person": "Lisa", "text": "{}"}


def test_names_are_sorted_complete_and_there():
    assert workbench.__all__ == sorted(workbench.__all__, key=lambda name: (not name.isupper(), name))
    assert set(workbench.__all__) == {*workbench._WHERE, *workbench._MODULES}
    assert set(workbench.__all__) <= set(dir(workbench))


@pytest.mark.parametrize("name", workbench.__all__)
def test_name_can_be_imported_and_says_what_it_is(name):
    found = getattr(workbench, name)
    assert found is getattr(workbench, name)
    assert len(inspect.getdoc(found) or "") > 20


@pytest.mark.parametrize("name", [name for name in workbench.__all__ if name[0].isupper()])
def test_methods_of_public_classes_say_what_they_do(name):
    own = vars(getattr(workbench, name))
    silent = [key for key, value in own.items() if key[0] != "_" and callable(value) and not inspect.getdoc(value)]
    assert not silent


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'workbench' has no attribute 'Wrold'"):
        workbench.Wrold  # noqa: B018


def test_import_loads_nothing_heavy():
    code = f"import sys, json, workbench; print(json.dumps([m for m in {HEAVY} if m in sys.modules]))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(run.stdout) == []


def test_import_writes_nothing(tmp_path):
    run = subprocess.run([sys.executable, "-c", "import workbench"], capture_output=True, cwd=tmp_path, check=True)
    assert (run.stdout, run.stderr, list(tmp_path.iterdir())) == (b"", b"", [])


# Errors


@pytest.mark.parametrize("kind", FAMILY)
def test_error_comes_back_from_a_pickle_with_its_facts(kind):
    error = kind("Lisa's turn failed: say what to do", **FACTS)
    error.add_note("2 whole steps are kept")
    back: Any = pickle.loads(pickle.dumps(error))
    assert type(back) is kind
    assert str(back) == "Lisa's turn failed: say what to do"
    assert {name: getattr(back, name) for name in FACTS} == FACTS
    assert back.__notes__ == ["2 whole steps are kept"]


def test_errors_are_the_tree_that_the_docstring_draws():
    drawn = dict(re.findall(r"(?m)(?:── |^)(\w+Error|[A-Z]\w+)(?: \((\w+)\))?", errors.__doc__.partition("\n\n")[2]))
    builtins = {kind.__name__: [b.__name__ for b in kind.__bases__ if b.__module__ == "builtins"] for kind in FAMILY}
    assert {name: [base] if base else [] for name, base in drawn.items()} == builtins | {"WorkbenchError": []}


@pytest.mark.parametrize("kind", FAMILY)
def test_error_says_what_it_is(kind):
    assert len(inspect.getdoc(kind)) > 20


@pytest.mark.parametrize(
    ("kind", "builtin"),
    [("InvalidPersona", ValueError), ("UnknownName", LookupError), ("StorageError", OSError)],
)
def test_error_is_also_what_a_caller_would_expect(kind, builtin):
    assert issubclass(getattr(errors, kind), builtin)


async def test_error_of_a_real_run_comes_back_from_a_pickle(server):
    world = world_at(server, budget=Budget(calls=2))
    with pytest.raises(errors.BudgetSpent) as caught:
        await world.run(1)
    back = pickle.loads(pickle.dumps(caught.value))
    assert (str(back), back.__notes__) == (str(caught.value), caught.value.__notes__)


async def test_step_that_failed_comes_back_from_a_pickle(model_server):
    world = world_at(model_server(Fault(400)))
    with pytest.raises(StepFailed) as caught:
        await world.run(1)
    back = pickle.loads(pickle.dumps(caught.value))
    assert (back.step, back.person, back.purpose) == (1, "Ann", "turn")


@pytest.mark.parametrize(("code", "advice"), [(28, "Free some space"), (27, "Free some space"), (13, "denied")])
def test_storage_error_names_file_and_advice(code, advice):
    named = pytest.raises(StorageError, match=rf"^runs/a\.sqlite: the run file.*{advice}")
    with named as caught, storage_errors(Path("runs/a.sqlite"), "the run file"):
        raise OSError(code, os.strerror(code))
    assert caught.value.path == Path("runs/a.sqlite")
