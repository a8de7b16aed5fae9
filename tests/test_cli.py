"""The command line, called as a shell would."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

import workbench as wb
from workbench.cli import app
from workbench.llm.client import default_llm


def call(*args):
    return CliRunner().invoke(app, [str(arg) for arg in args])


async def asked(server, n=3):
    llm = wb.LLM("scripted", base_url=server.base_url, api_key="none")
    for number in range(n):
        await llm.complete([{"role": "user", "content": f"Question {number}"}], purpose="test")
    return llm


def test_personas_lists_the_examples():
    assert "kinga                Kinga Żurawska, 38" in call("personas").output


async def test_cache_stats_and_prune(server):
    await asked(server)
    assert call("cache", "stats").output.startswith("3 calls")
    assert call("cache", "prune", "--older-than", "1").output.startswith("0 calls dropped")
    assert call("cache", "prune", "--older-than", "0").exit_code == 0


async def test_cache_export_and_import(server, tmp_path, monkeypatch):
    await asked(server)
    assert call("cache", "export", tmp_path / "r.jsonl").output.startswith("3 calls written")
    monkeypatch.setenv("WORKBENCH_CACHE_DIR", str(tmp_path / "other"))
    assert call("cache", "import", tmp_path / "r.jsonl").output.startswith("3 new calls")


async def test_cache_export_of_one_run(server, tmp_path):
    llm = await asked(server)
    world = wb.World("Tea", [wb.Person.load("kinga")], llm=llm, record=tmp_path / "run.sqlite")
    await world.run(2, live=False)
    assert call("cache", "export", tmp_path / "r.jsonl", "--run", tmp_path / "run.sqlite").output.startswith("2 calls")


@pytest.mark.parametrize("pair", [["-p", "steps", "1"], ["-p", "steps=1"], ["--parameter", "steps", "1"]])
def test_run_takes_parameters_as_papermill_does(pair, tmp_path):
    result = call("run", "focus_group", "-o", tmp_path, *pair, "-p", "nonsense", "1")
    assert result.exit_code == 1
    assert "has no parameter nonsense; it has topic, personas, steps, seed, model, out" in result.stderr


def test_errors_are_a_sentence_and_not_a_traceback(tmp_path):
    result = call("run", tmp_path / "missing.ipynb")
    assert result.exit_code == 1
    assert result.stderr.startswith("error: there is no notebook")
    assert "Traceback" not in result.output


async def packed(server, folder, cache=None):
    llm = wb.LLM("scripted", base_url=server.base_url, api_key="none", cache=cache)
    world = wb.World("Tea", [wb.Person.load("kinga")], llm=llm, record=folder / "run.sqlite")
    await world.run(2, live=False)
    return call("pack", folder / "run.sqlite")


async def test_pack_and_unpack_say_what_was_written(server, tmp_path):
    result = await packed(server, tmp_path)
    assert result.output.startswith(f"Written to {tmp_path / 'run.zip'}:\n  README.txt ")
    assert "personas/" in result.output
    assert "Missing" not in result.output
    result = call("unpack", tmp_path / "run.zip", "-o", tmp_path / "there")
    assert result.output.startswith(f"Unpacked into {tmp_path / 'there'}:\n  README.txt ")
    assert wb.RunFile.open(tmp_path / "there" / "run.sqlite").steps == 2


async def test_pack_says_what_is_missing_once(server, tmp_path):
    result = await packed(server, tmp_path, cache="off")
    assert result.exit_code == 0
    assert result.output.count("Missing: recording.jsonl lacks 2 of the 2 calls") == 1
    assert "lacks 2 of the 2 calls" in call("unpack", tmp_path / "run.zip", "-o", tmp_path / "there").output


async def test_pack_replaces_an_archive_only_by_force(server, tmp_path):
    await packed(server, tmp_path)
    result = call("pack", tmp_path / "run.sqlite")
    assert result.exit_code == 1
    assert result.stderr.startswith(f"error: there is an archive at {tmp_path / 'run.zip'}")
    assert call("pack", tmp_path / "run.sqlite", "--force").exit_code == 0
    assert call("pack", tmp_path / "run.sqlite", "-o", tmp_path / "other.zip").exit_code == 0


def test_unpack_says_what_is_wrong_with_an_archive(tmp_path):
    (tmp_path / "run.zip").write_text("no archive")
    result = call("unpack", tmp_path / "run.zip")
    assert result.exit_code == 1
    assert "run.zip is no archive that can be used: the archive cannot be read" in result.stderr
    assert "Traceback" not in result.output


@pytest.fixture
def at_server(server, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
    monkeypatch.setenv("WORKBENCH_MODEL", "scripted")
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    default_llm.cache_clear()
    yield server
    default_llm.cache_clear()


SHOPPERS = ("people", "customers of a Spanish supermarket", "-n", 4, "--quota", "gender=female:.5,male:.5")


def test_people_are_written_into_a_folder(at_server, tmp_path):
    told = call(*SHOPPERS, "--quota", "age=18-34:25%,35-80:75%", "--out", tmp_path / "people", "--detail", "brief")
    assert told.exit_code == 0, told.stderr
    assert "4 people, effective n 4.0: customers of a Spanish supermarket" in told.stdout
    assert "gender: female 50%, male 50%" in told.stdout
    people = wb.Population.load(tmp_path / "people")
    assert people.to_frame()["gender"].value_counts().to_dict() == {"female": 2, "male": 2}
    assert len(at_server.requests) == 4


def test_people_who_are_there_are_replaced_only_by_force_and_nothing_is_paid_for_them(at_server, tmp_path):
    out = ("--out", tmp_path / "people.jsonl")
    assert call(*SHOPPERS, *out).exit_code == 0
    at_server.reset()
    told = call(*SHOPPERS, "--seed", 1, *out)
    assert (told.exit_code, at_server.requests) == (1, [])
    assert "something is at" in told.stderr
    assert call(*SHOPPERS, "--seed", 1, *out, "--force").exit_code == 0
    assert len(wb.Population.load(tmp_path / "people.jsonl")) == 4


def test_people_are_drawn_by_a_plan_in_a_file(at_server, tmp_path):
    (tmp_path / "plan.yaml").write_text("gender: {female: 1, male: 2}\nage: {18-34: 1}\n")
    told = call("people", "cooks", "-n", "3", "--plan", tmp_path / "plan.yaml", "--out", tmp_path / "people")
    assert told.exit_code == 1  # 1 and 2 are no shares
    (tmp_path / "plan.yaml").write_text("n: 3\ngender: {female: 50%, male: 50%}\nage: {18-34: 40%, 35-80: 60%}\n")
    told = call("people", "cooks", "--plan", tmp_path / "plan.yaml", "--out", tmp_path / "people")
    assert told.exit_code == 0, told.stderr
    assert len(at_server.requests) == 3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--quota", "gender"], "quota 'gender': it is like gender=female:.5,male:.5"),
        (["--quota", "gender=female:.5,male"], "it is like gender"),
        (["--quota", "gender=female:.5,female:.5"], "each level needs a name of its own"),
        (["--quota", "gender=a,b", "--quota", "gender=a,b"], "quota gender: it is given more than once"),
        (["--quota", "gender=female:.5,male:.2"], "add up to 0.7"),
        (["--quota", "gender=female:x,male:.2"], "'x' is no share"),
        (["--plan", "nothing.yaml"], "there is no file"),
    ],
)
def test_quotas_that_cannot_be_are_told_before_anything_is_spent(at_server, tmp_path, arguments, said):
    told = call("people", "cooks", "-n", 4, *arguments, "--out", tmp_path / "people")
    assert told.exit_code == 1
    assert said in told.stderr
    assert not at_server.requests
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT to one process, as POSIX does")
def test_ctrl_c_leaves_a_resumable_run_and_says_how_to_go_on(model_server, tmp_path):
    server = model_server(latency=0.3)
    settings = {"OPENAI_BASE_URL": server.base_url, "WORKBENCH_MODEL": "scripted"}
    command = [sys.executable, "-m", "workbench.cli", "run", "focus_group", "-o", str(tmp_path), "-p", "steps", "40"]
    process = subprocess.Popen(
        command, env=os.environ | settings, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    run_file = tmp_path / "run.sqlite"
    while process.poll() is None and not (run_file.exists() and wb.RunFile.open(run_file).steps >= 2):
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=30)
    steps = wb.RunFile.open(run_file).steps
    assert process.returncode == 130
    assert f"{steps} whole step(s) are kept in {run_file}" in told
    assert "give the same command again" in told
    before = server.n_requests
    world = wb.World.resume(run_file, llm=wb.LLM("scripted", base_url=server.base_url))
    wb.sync(world.run(1, live=False))
    assert world.steps == steps + 1
    assert server.n_requests - before <= 3


@pytest.mark.slow
@pytest.mark.parametrize("with_signal", [signal.SIGINT, getattr(signal, "SIGKILL", signal.SIGTERM)])
def test_people_whose_generation_was_killed_go_on_and_nobody_is_paid_for_twice(model_server, tmp_path, with_signal):
    server = model_server(latency=0.3)
    settings = {"OPENAI_BASE_URL": server.base_url, "WORKBENCH_MODEL": "scripted"}
    command = [sys.executable, "-m", "workbench.cli", "people", "cooks", "-n", "40", "--quota", "gender=female,male"]
    command += ["--out", str(tmp_path / "people"), "--detail", "brief"]
    given = {"env": os.environ | settings, "stderr": subprocess.PIPE, "text": True, "start_new_session": True}
    process = subprocess.Popen(command, **given)
    while process.poll() is None and len(server.answered) < 24:
        time.sleep(0.01)
    process.send_signal(with_signal)
    _, told = process.communicate(timeout=30)
    assert process.returncode != 0
    assert not (tmp_path / "people").exists()
    if with_signal is signal.SIGINT:
        assert "give the same command again" in told
    kept = len(wb.CallCache.open().keys())
    server.reset()
    again = subprocess.run(command, **given, check=True)
    assert "40/40" in again.stderr
    assert len(wb.Population.load(tmp_path / "people")) == 40
    assert len(server.answered) == 40 - kept < 40


def test_the_notebook_of_a_template_says_what_it_needs():
    cells = json.loads(Path("templates/focus_group.ipynb").read_text(encoding="utf-8"))["cells"]
    parameters = next(cell for cell in cells if "parameters" in cell["metadata"].get("tags", []))
    lines = [line for line in "".join(parameters["source"]).splitlines() if line.strip()]
    assert all("#" in line for line in lines)
