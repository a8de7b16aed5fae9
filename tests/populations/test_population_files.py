"""Populations in files: what is written comes back, whatever people are called, and nothing there is ever lost."""

from __future__ import annotations

import json
import os
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from workbench.agents.person import Person
from workbench.errors import (
    DamagedFile,
    InvalidPersona,
    InvalidSettings,
    NewerFile,
    RunExists,
    StorageError,
    UnknownName,
)
from workbench.populations.plan import SamplingPlan
from workbench.populations.population import Population

HARD = [
    *("CON", "con.txt", "a/b", "../../etc/passwd", 'a<b>:"|?*\\', "ends with a dot.", "x" * 300, "名前" * 120),
    *(
        "Jose\u0301 NFD",
        "Straße",
        "STRASSE 2",
        "\u212bngström",
        "Ångström B",
        ".hidden",
        "population",
        "💡",
        "a\u200bb",
    ),
]


def people_of(names: list[str], **more: Any) -> Population:
    return Population([Person({"name": name, "age": 20 + n}) for n, name in enumerate(names)], **more)


def everything() -> pd.DataFrame:
    """Return a column of each type, with values that are missing."""
    return pd.DataFrame(
        {
            "whole": [1, 2, 3],
            "number": [0.1, np.nan, np.inf],
            "short": np.array([0.1, 2, 3], dtype="float32"),
            "nullable": pd.array([1, None, 3], dtype="Int64"),
            "yes": [True, False, True],
            "text": ["a", None, "naïve\n\u2028"],
            "category": pd.Categorical(["low", None, "high"], categories=["low", "mid", "high"], ordered=True),
            "codes": pd.Categorical([3, 1, 3]),
            "moment": pd.to_datetime(["2024-01-01", None, "2024-06-01T12:00:00.123456789"], format="ISO8601"),
            "zoned": pd.to_datetime(["2024-01-01", None, "2024-07-01"]).tz_localize("Europe/Berlin"),
            "span": pd.to_timedelta([1, None, 90], unit="min"),
            "mixed": pd.Series([[1, "a"], None, {"k": [1.5]}], dtype=object),
            "scalars": pd.Series([np.int64(3), "3", True], dtype=object),
        }
    )


@pytest.fixture(params=["people.jsonl", "people"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return tmp_path / "new" / request.param


def test_people_come_back_as_they_were(path: Path) -> None:
    plan = SamplingPlan(3, {"age": {"18-34": 0.5, "35-54": 0.5}}, about="bakers")
    held_out = pd.DataFrame({"vote": [1.0, np.nan, 0.0]})
    people = people_of(["Zoë", "Ann", "Ödön"], weights=[0.1, 2, 1 / 3], plan=plan, held_out=held_out, about="bakers")
    people[0].listen("Hello!", "Ann")
    assert people.save(path) == path
    again = Population.load(path)
    assert [person.state() for person in again] == [person.state() for person in people]
    pd.testing.assert_frame_equal(again.to_frame(held_out=True), people.to_frame(held_out=True))
    assert (again.plan, again.about, again.data) == (plan, "bakers", None)


def test_columns_of_all_types_come_back(path: Path) -> None:
    people = people_of(["A", "B", "C"], data=everything())
    people.save(path)
    pd.testing.assert_frame_equal(Population.load(path).data, people.data)


@pytest.mark.parametrize(
    "column",
    [
        pd.Series([pd.Timestamp("2024-01-01"), "x"], dtype=object),
        pd.Series([1 + 2j, 1]),
        pd.Series([{1: 2}, None], dtype=object),
        pd.Series([float("inf"), "x"], dtype=object),
        pd.cut(pd.Series([1, 5]), 2),
        pd.Series(pd.period_range("2024-01", periods=2, freq="M")),
    ],
)
def test_values_that_would_not_come_back_are_refused(path: Path, column: Any) -> None:
    with pytest.raises(InvalidSettings, match=r"data: odd.*would not give back"):
        people_of(["A", "B"], data=pd.DataFrame({"odd": column})).save(path)
    assert not path.exists()


def test_names_come_back_byte_for_byte(path: Path) -> None:
    people_of(HARD).save(path)
    assert [name.encode() for name in Population.load(path).names] == [name.encode() for name in HARD]


def test_files_of_people_have_names_that_every_system_takes(tmp_path: Path) -> None:
    people_of(HARD).save(tmp_path / "people")
    files = [file.name for file in (tmp_path / "people").iterdir()]
    folded = {unicodedata.normalize("NFC", name).casefold() for name in files}
    assert len(folded) == len(files) == len(HARD) + 1
    assert all(len(name.encode()) <= 255 and not set(name) & set('<>:"/\\|?*') for name in files)
    assert not {name.split(".")[0].upper() for name in files} & {"CON", "NUL", "AUX"}


def test_a_folder_of_persona_files_is_a_population(tmp_path: Path) -> None:
    for name in ("Oscar", "Lisa"):
        Person({"name": name}).save(tmp_path / f"{name}.agent.json")
    people = Population.load(tmp_path)
    assert (people.names, people.weights.tolist()) == (("Lisa", "Oscar"), [1, 1])


def test_files_of_nobody_come_back(path: Path) -> None:
    Population([]).save(path)
    assert len(Population.load(path)) == 0


def test_people_who_are_there_are_replaced_only_when_asked(path: Path) -> None:
    people_of(["Ann", "Bob"]).save(path)
    with pytest.raises(RunExists, match="if_exists='replace'"):
        people_of(["Cid"]).save(path)
    assert Population.load(path).names == ("Ann", "Bob")
    people_of(["Cid"]).save(path, if_exists="replace")
    assert Population.load(path).names == ("Cid",)
    assert [file.name for file in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("step", ["save", "rename"])
def test_what_was_there_stays_when_a_folder_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    path = tmp_path / "people"
    people_of(["Ann"]).save(path)
    rename = Path.rename

    def fail(self: Path, *given: Any, **_more: Any) -> Any:
        if step == "rename" and not self.name.endswith(".part"):
            return rename(self, *given)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Person if step == "save" else Path, step, fail)
    with pytest.raises(StorageError, match="No space left"):
        people_of(["Bob"]).save(path, if_exists="replace")
    assert [file.name for file in tmp_path.iterdir()] == ["people"]
    assert Population.load(path).names == ("Ann",)


def test_what_is_no_population_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "thesis.docx").write_text("years of work")
    with pytest.raises(StorageError, match=r"other files than people \(thesis.docx\)"):
        people_of(["Ann"]).save(tmp_path, if_exists="replace")
    (tmp_path / "answers.jsonl").write_text('{"answer": 1}\n')
    with pytest.raises(DamagedFile, match="no population"):
        people_of(["Ann"]).save(tmp_path / "answers.jsonl", if_exists="replace")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["answers.jsonl", "thesis.docx"]


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "people").mkdir()
    people_of(["Ann"]).save(tmp_path / "people")
    assert Population.load(tmp_path / "people").names == ("Ann",)


@pytest.mark.skipif(os.name == "nt", reason="needs rights on Windows")
def test_a_link_to_a_folder_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "people").symlink_to(tmp_path / "disk")
    people_of(["Ann"]).save(tmp_path / "people")
    assert (tmp_path / "people").is_symlink()
    assert Population.load(tmp_path / "disk").names == ("Ann",)


@pytest.mark.parametrize("name", ["people.json", "people.csv", "people.agent.json"])
def test_other_kinds_of_files_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidSettings, match=r"saved to a \.jsonl file, or to a folder"):
        people_of(["Ann"]).save(tmp_path / name)
    (tmp_path / name).write_text("{}")
    with pytest.raises(InvalidSettings, match="read from"):
        Population.load(tmp_path / name)


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="there is no file or folder"):
        Population.load(tmp_path / "people")
    (tmp_path / ".people.77.old").mkdir()
    with pytest.raises(UnknownName, match=r"\.people\.77\.old has what was there"):
        Population.load(tmp_path / "people")


LINE = '{"person": {"type": "TinyPerson", "persona": {"name": "Bob"}}, "weight": 1}'


@pytest.mark.parametrize(
    ("line", "error", "said"),
    [
        ('{"person": ', DamagedFile, "line 3: not JSON"),
        ("[" * 100_000, DamagedFile, "line 3: not JSON"),
        ("[1]", DamagedFile, "line 3: a mapping is needed"),
        ('{"persona": {}}', DamagedFile, "line 3: this is no line of a person"),
        ('{"person": {"persona": {"name": 3}}}', InvalidPersona, "line 3: .*name"),
        ('{"person": {"persona": {"age": 3}}}', InvalidPersona, "line 3: .*name"),
        (LINE.replace("1}", "-1}"), DamagedFile, "line 3: weight: -1"),
        (LINE.replace("1}", "NaN}"), DamagedFile, "line 3: weight: nan"),
        (LINE.replace("1}", '1, "data": 3}'), DamagedFile, "line 3: data"),
        ("\udcff".encode("utf-8", "surrogateescape").decode("latin-1"), DamagedFile, "line 3"),
        ("", DamagedFile, "line 3: not JSON"),
    ],
)
def test_lines_that_are_damaged_are_named(tmp_path: Path, line: str, error: type[Exception], said: str) -> None:
    path = people_of(["Ann", "Bob", "Cid"]).save(tmp_path / "people.jsonl")
    lines = path.read_text(encoding="utf-8").splitlines()
    lines[2] = line
    path.write_text("\n".join(lines), encoding="latin-1")
    with pytest.raises(error, match=said):
        Population.load(path)


def test_a_file_that_ends_too_early_is_named(tmp_path: Path) -> None:
    path = people_of(["Ann", "Bob"]).save(tmp_path / "people.jsonl")
    path.write_text("\n".join(path.read_text().splitlines()[:2]) + "\n")
    with pytest.raises(DamagedFile, match="1 people are there, of 2"):
        Population.load(path)
    path.write_text("")
    with pytest.raises(DamagedFile, match="no population"):
        Population.load(path)


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        ({"version": 99}, NewerFile, "later workbench"),
        ({"type": "World"}, DamagedFile, "no population"),
        ({"plan": {"n": 3}}, DamagedFile, "no sampling plan"),
        ({"columns": []}, DamagedFile, "columns"),
        ({"columns": {"data": {"k": "int64"}}}, DamagedFile, "k: values"),
        ({"columns": {"data": {"k": "nonsense"}}}, DamagedFile, "k: values"),
        ({"people": 3}, DamagedFile, "people: a list"),
        ({"people": [{"file": "../Ann.agent.json"}]}, DamagedFile, "no name of a file"),
        ({"people": [{"file": "Bob.agent.json"}]}, DamagedFile, r"Bob\.agent\.json is missing"),
        ({"people": []}, DamagedFile, r"Ann\.agent\.json is not in population\.json"),
    ],
)
def test_folders_that_are_damaged_are_named(
    tmp_path: Path, change: dict[str, Any], error: type[Exception], said: str
) -> None:
    folder = people_of(["Ann"]).save(tmp_path / "people")
    index = json.loads((folder / "population.json").read_text())
    (folder / "population.json").write_text(json.dumps({**index, **change}))
    with pytest.raises(error, match=said):
        Population.load(folder)


def test_people_who_were_written_by_hand_are_never_replaced(tmp_path: Path) -> None:
    Person({"name": "Lisa"}).save(tmp_path / "lisa.agent.json")
    with pytest.raises(StorageError, match=r"has no population\.json"):
        Population([Person({"name": "Ann"})]).save(tmp_path, if_exists="replace")
    assert (tmp_path / "lisa.agent.json").is_file()


def test_what_a_killed_save_left_is_in_nobodys_way(tmp_path: Path) -> None:
    for end in ("part", "old"):
        (tmp_path / f".people.{os.getpid()}.{end}").mkdir()
        (tmp_path / f".people.{os.getpid()}.{end}" / "x").touch()
    people = Population([Person({"name": "Ann"})])
    for _ in range(2):
        people.save(tmp_path / "people", if_exists="replace")
    assert Population.load(tmp_path / "people").names == ("Ann",)
    assert (tmp_path / "people").stat().st_mode & 0o777 == (
        tmp_path / f".people.{os.getpid()}.old"
    ).stat().st_mode & 0o777
