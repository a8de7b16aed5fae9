"""Persona files: strict when they are read, whole when they are written, and nothing lost between the two."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cast import LISA, SHARED, person, write_json
from workbench.agents.person import Person, load_fragment
from workbench.agents.persona_files import example_files
from workbench.errors import InvalidPersona, StorageError, UnknownName

FILE = {"type": "TinyPerson", "persona": LISA}
SCRIPTS = "Zoë, Łukasz, Ольга, 李娜, さゆり, नेहा, مريم, 👩🏽‍🍳 — “quoted” 'x' \\ \t {{ y }}"


def needs(path: Path) -> Path:
    if not path.exists():
        pytest.skip(f"the reference's files are not at {path.parent}")
    return path


def ordered(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False)


# There and back


@pytest.mark.parametrize("name", ["Lisa.agent.json", "Oscar.agent.json"])
@pytest.mark.parametrize("suffix", ["json", "yaml"])
def test_file_of_the_reference_comes_back_as_it_was(name, suffix, tmp_path):
    source = needs(SHARED / name)
    lisa = Person.load(source)
    saved = lisa.save(tmp_path / f"again.agent.{suffix}")
    again = Person.load(saved).save(tmp_path / "again.json")
    assert ordered(json.loads(again.read_bytes())) == ordered(json.loads(source.read_bytes()))


def test_fragment_of_the_reference_is_read():
    source = needs(SHARED / "picky_customer.agent.fragment.json")
    assert load_fragment(source).to_dict() == json.loads(source.read_bytes())["persona"]


def test_fragment_of_the_reference_merges_into_a_person_of_the_reference():
    lisa = Person.load(needs(SHARED / "Lisa.agent.json"))
    lisa.merge(needs(SHARED / "picky_customer.agent.fragment.json"))
    assert "Criticizing anything" in lisa.persona.markdown


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(texts.map(lambda key: f"x{key}"), values, max_size=5))
def test_json_and_yaml_hold_the_same(tmp_path_factory, facts):
    folder = tmp_path_factory.getbasetemp()
    lisa = Person({"name": "Lisa", **facts})
    in_json, in_yaml = lisa.save(folder / "law.agent.json"), lisa.save(folder / "law.agent.yaml")
    assert ordered(Person.load(in_json).state()) == ordered(Person.load(in_yaml).state()) == ordered(lisa.state())


@pytest.mark.parametrize("suffix", ["json", "yaml", "yml"])
def test_every_script_comes_back_and_can_be_read_in_the_file(suffix, tmp_path):
    file = person(motto=SCRIPTS, facts=[SCRIPTS]).save(tmp_path / f"lisa.agent.{suffix}")
    assert Person.load(file).persona.motto == SCRIPTS
    assert "李娜" in file.read_text(encoding="utf-8")


def test_unknown_keys_of_file_and_persona_are_kept(tmp_path):
    data = {"simulation": {"made": 1}, "type": "TinyPerson", "persona": {"star": "Leo", **LISA}, "notes": ["x"]}
    saved = Person.load(write_json(tmp_path / "a.agent.json", data)).save(tmp_path / "b.agent.json")
    assert ordered(json.loads(saved.read_bytes())) == ordered(data)


def test_file_that_is_only_the_persona_gets_its_type(tmp_path):
    saved = Person.load(write_json(tmp_path / "a.json", LISA)).save(tmp_path / "b.json")
    assert json.loads(saved.read_bytes()) == FILE


def test_mapping_and_persona_load_like_a_file(tmp_path):
    from_file = Person.load(write_json(tmp_path / "a.json", FILE))
    assert from_file.state() == Person.load(FILE).state() == Person.load(LISA).state()
    assert Person.load(from_file.persona).persona is from_file.persona


# Files that are wrong


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("lisa.agent.json", b'{"persona": {\n  "name": "Lisa",\n}}', "line 3, column 1: not JSON"),
        ("lisa.agent.json", b"", "not JSON"),
        ("lisa.agent.json", b"   \n", "not JSON"),
        ("lisa.agent.json", b"[]", "a mapping is needed, this is a list"),
        ("lisa.agent.json", b'"Lisa"', "a mapping is needed, this is a str"),
        ("lisa.agent.json", b"null", "a mapping is needed, this is a NoneType"),
        ("lisa.agent.json", b"{}", "name"),
        ("lisa.agent.json", b'{"persona": {}}', "name: field required"),
        ("lisa.agent.json", b'{"persona": []}', "persona: a mapping is needed, this is a list"),
        ("lisa.agent.json", b'{"persona": {"name": "Lisa", "skills": [1]}}', r"skills\.0"),
        ("lisa.agent.json", b'{"type": "TinyWorld", "persona": {"name": "Lisa"}}', "type: 'TinyWorld' is not one of"),
        ("lisa.agent.json", b'{"persona": {"name": "Lisa", "age": 1, "age": 2}}', "age: the key is there twice"),
        ("lisa.agent.json", b'{"persona": {"name": "Lisa", "x": NaN}}', "x is nan"),
        ("lisa.agent.json", b'{"persona": {"name": "Lisa", "x": 1e999}}', "x is inf"),
        ("lisa.agent.json", b'{"persona": {"name": "Lisa", "x": ' + b"1" * 5000 + b"}}", "digits"),
        ("lisa.agent.json", b'{"persona": {"name": "Lisa", "x": "\\ud83d"}}', "x has half of a surrogate pair"),
        ("lisa.agent.json", b"\xef\xbb\xbf{}", "byte-order mark"),
        ("lisa.agent.json", '{"name": "Zoë"}'.encode("utf-16"), "byte-order mark"),
        ("lisa.agent.json", '{"name": "Zoë"}'.encode("latin-1"), "not UTF-8: byte 12 is 0xeb"),
        ("lisa.agent.json", b'{"name": "Lisa", "x": ' + b"[" * 500 + b"]" * 500 + b"}", "nested too deeply"),
        ("lisa.agent.json", b"[" * 100_000, "nested too deeply"),
        ("lisa.agent.json", b'{"x": "' + b"y" * 10_000_000 + b'"}', "10,000,009 bytes are too many"),
        ("lisa.agent.yaml", b"name: Lisa\n  age: 28", "line 2"),
        ("lisa.agent.yaml", b"", "a mapping is needed, this is a NoneType"),
        ("lisa.agent.yaml", b"- Lisa", "a mapping is needed, this is a list"),
        ("lisa.agent.yaml", b"name: Lisa\nage: 1\nage: 2", "line 1: age: the key is there twice"),
        ("lisa.agent.yaml", b"name: Lisa\nhome: {a: 1, a: 2}", "line 2: a: the key is there twice"),
        ("lisa.agent.yaml", b"name: Lisa\nborn: 1996-03-01", "born is a date"),
        ("lisa.agent.yaml", b"name: Lisa\nborn: 1996-99-01", "not YAML"),
        ("lisa.agent.yaml", b"name: Lisa\nage: !!int x", "not YAML"),
        ("lisa.agent.yaml", b"name: Lisa\nwhen: !!timestamp x", "not YAML"),
        ("lisa.agent.yaml", b"name: Lisa\nx: !!binary '='", "x is a bytes|not YAML"),
        ("lisa.agent.yaml", b"name: Lisa\nx: !!python/object/apply:os.getcwd []", "not YAML"),
        ("lisa.agent.yaml", b"name: Lisa\n? [a]\n: b", "not YAML"),
        ("lisa.agent.yaml", b"name: Lisa\n? {a: 1}\n: b", "not YAML"),
        ("lisa.agent.yaml", b"name: Lisa\nyes: 1", "the key True in the persona is no text"),
        ("lisa.agent.yaml", b"name: Lisa\n1: 1\n'1': 2", "twice|no text"),
        ("lisa.agent.yaml", b"name: Lisa\nx: .inf", "x is inf"),
        ("lisa.agent.yaml", b"name: Lisa\nx: \x00", "not YAML"),
        ("lisa.agent.yaml", b"a: &a\n  name: Lisa\n  self: *a\n", "contains itself|name"),
        ("lisa.agent.yaml", b"name: Lisa\nfriends: &f\n  - name: Oscar\n    friends: *f", r"friends.*contains itself"),
        ("lisa.agent.yaml", b"name: Lisa\nx: " + b"[" * 500 + b"]" * 500, "nested too deeply"),
        ("lisa.agent.yaml", b"name: Lisa\n---\nname: Oscar", "not YAML"),
    ],
    ids=lambda value: value[:40] if isinstance(value, bytes) else None,
)
def test_file_that_is_wrong_is_named_and_its_fault(name, content, complaint, tmp_path):
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(InvalidPersona, match=f"(?s)^{tmp_path}/{name}.*({complaint})"):
        Person.load(file)


def test_yaml_that_explodes_is_refused_at_once(tmp_path):
    lines = ["name: Lisa", "a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    file = tmp_path / "bomb.agent.yaml"
    file.write_text("\n".join(lines))
    with pytest.raises(InvalidPersona, match=r"bomb.agent.yaml: too many values"):
        Person.load(file)


def test_yaml_may_use_anchors_and_merges(tmp_path):
    file = tmp_path / "lisa.agent.yml"
    file.write_text("name: Lisa\nhome: &h {city: Lyon, up: 1}\nwork: {<<: *h, up: 2}\nlikes: &l [tea]\nbuys: *l\n")
    data = Person.load(file).persona.to_dict()
    assert (data["work"], data["buys"]) == ({"city": "Lyon", "up": 2}, ["tea"])


@pytest.mark.parametrize(
    "mind",
    [
        None,
        [],
        {"emotions": 5},
        {"goals": "win"},
        {"goals": [1]},
        {"goals": None},
        {"context": {"a": 1}},
        {"colour": "red"},
    ],
)
def test_mind_that_is_wrong_is_named(mind, tmp_path):
    file = write_json(tmp_path / "lisa.agent.json", FILE | {"mind": mind})
    with pytest.raises(InvalidPersona, match=f"^{file}: mind"):
        Person.load(file)


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": "1"},
        {"step": None},
        {"time": "yesterday"},
        {"time": None},
        {"content": None},
        {"kind": "rumour"},
        {"call": 7},
        {"colour": "red"},
    ],
)
def test_memory_that_is_wrong_is_named(wrong, tmp_path):
    event = person().listen("Hello").state()["memory"][0]
    file = write_json(tmp_path / "lisa.agent.json", FILE | {"memory": [event | wrong]})
    with pytest.raises(InvalidPersona, match=f"^{file}: .*memory"):
        Person.load(file)


@pytest.mark.parametrize("memory", [5, None, "x", ["x"], [{}], {"id": 1}])
def test_memory_that_is_no_list_of_events_is_named(memory, tmp_path):
    file = write_json(tmp_path / "lisa.agent.json", FILE | {"memory": memory})
    with pytest.raises(InvalidPersona, match=f"^{file}: .*memory"):
        Person.load(file)


# Files that are not there, and folders


@pytest.mark.parametrize("source", ["nobody.agent.json", "no/such/file", Path("nobody.yaml"), ""])
def test_file_that_is_not_there_is_named(source):
    with pytest.raises(UnknownName, match=r"there is no file"):
        Person.load(source)


@pytest.mark.parametrize("source", ["nobody", Path("nobody")])
def test_unknown_example_lists_those_there_are(source):
    with pytest.raises(UnknownName, match=r"'nobody'.*damilola, kinga, rafael, sayuri"):
        Person.load(source)


@pytest.mark.parametrize("source", [json.dumps(FILE), json.dumps(FILE) * 20, "a\0b", "x" * 300])
def test_text_that_is_no_path_is_an_unknown_name(source):
    with pytest.raises(UnknownName):
        Person.load(source)


@pytest.mark.parametrize("name", ["damilola", "kinga", "rafael", "sayuri", "Sayuri"])
def test_example_loads_by_name(name):
    made = Person.load(name)
    known = made.persona.to_dict()
    assert {"age", "occupation", "personality", "preferences", "behaviors", "relationships"} <= set(known)
    assert 3_000 < len(made.persona.markdown) < 12_000


@pytest.mark.parametrize("name", ["frequent_traveller", "loves_cooking", "privacy_minded", "thrifty"])
def test_example_fragment_merges_into_every_example_person(name):
    assert name in example_files("fragment")
    for someone in example_files("persona"):
        assert Person.load(someone).merge(name).persona != Person.load(someone).persona


def test_file_goes_before_an_example_of_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_json(tmp_path / "kinga", LISA)
    assert Person.load("kinga").name == LISA["name"]


def test_folder_loads_in_the_order_of_names(tmp_path):
    for name in ("b.agent.yaml", "c.agent.json", "a.agent.yml", "B.agent.json"):
        person(name[0]).save(tmp_path / name)
    write_json(tmp_path / "notes.json", {})
    write_json(tmp_path / "x.fragment.json", {})
    assert [made.name for made in Person.load_folder(tmp_path)] == ["B", "a", "b", "c"]


def test_folder_with_a_wrong_file_names_it(tmp_path):
    write_json(tmp_path / "a.agent.json", {})
    with pytest.raises(InvalidPersona, match=r"a\.agent\.json"):
        Person.load_folder(tmp_path)


def test_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UnknownName, match=r"no folder.*people"):
        Person.load_folder(tmp_path / "people")


# Writing


def test_file_is_replaced_only_when_all_is_written(tmp_path):
    file = person().save(tmp_path / "lisa.agent.json")
    before = file.read_bytes()
    broken = person()
    broken.persona._data["when"] = object()  # what no file can hold
    with pytest.raises(TypeError):
        broken.save(file)
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]


def test_reader_never_sees_half_a_file(tmp_path):
    file = person(facts=["x" * 1000] * 200).save(tmp_path / "lisa.agent.json")
    writer = threading.Thread(target=lambda: [person(facts=["y" * 1000] * 200).save(file) for _ in range(30)])
    writer.start()
    while writer.is_alive():
        assert Person.load(file).name == "Lisa"
    writer.join()
    assert list(tmp_path.iterdir()) == [file]


def test_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "folder").write_text("a file")
    with pytest.raises(StorageError, match=r"folder/lisa\.agent\.json"):
        person().save(tmp_path / "folder" / "lisa.agent.json")


def test_folders_on_the_way_are_made(tmp_path):
    assert person().save(tmp_path / "deep" / "er" / "lisa.agent.yaml").is_file()


def test_yaml_reads_as_people_write_it(tmp_path):
    file = Person.load(FILE).save(tmp_path / "lisa.agent.yaml")
    assert file.read_text().startswith("type: TinyPerson\npersona:\n  name: Lisa Moreau\n  age: 28\n")
    assert yaml.safe_load(file.read_text()) == FILE
