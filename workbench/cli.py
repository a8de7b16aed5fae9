"""The command line: `workbench demo, run, people, pack, unpack, cache, personas`. Thin: the rooms below do the work."""

from __future__ import annotations

import logging
import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from typer.core import TyperCommand

from workbench.errors import InvalidSettings, WorkbenchError

app = typer.Typer(help="Simulate people with language models.", no_args_is_help=True, add_completion=False)
cache_app = typer.Typer(help="The call cache: answers that were paid for once.", no_args_is_help=True)
app.add_typer(cache_app, name="cache")

Out = Annotated[Path, typer.Option("--out", "-o", help="Folder for all that is written.")]
Parameters = Annotated[
    list[str] | None, typer.Option("--parameter", "-p", help="NAME VALUE or NAME=VALUE; may be given again.")
]


@app.command()
def demo(
    out: Out = Path("out/demo"),
    model: Annotated[str, typer.Option(help="gemma-3-270m or smollm2-135m.")] = "gemma-3-270m",
    steps: Annotated[int, typer.Option(min=1)] = 3,
) -> None:
    """Run a focus group on the embedded model: a run file, a notebook, a report and two tables."""
    os.environ |= {"WORKBENCH_PROVIDER": "embedded", "WORKBENCH_MODEL": model}
    with _told(out):
        _run(Path("focus_group"), out, {"steps": steps})


class _PairsCommand(TyperCommand):
    """A command whose `-p` takes a name and a value, as papermill's does; typer has no list of pairs."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, _joined(args))


@app.command(cls=_PairsCommand)
def run(
    notebook: Annotated[Path, typer.Argument(help="A notebook, or the name of a template.")],
    out: Out = Path("out"),
    parameter: Parameters = None,
) -> None:
    """Run a notebook with parameters; leave it, executed, with an HTML report."""
    with _told(out):
        _run(notebook, out, _parsed(parameter or []))


@app.command()
def people(
    about: Annotated[str, typer.Argument(help='Who they are, in words: "customers of a Spanish supermarket".')] = "",
    n: Annotated[int | None, typer.Option("-n", min=1, help="How many; the plan's number by default.")] = None,
    quota: Annotated[
        list[str] | None, typer.Option(help="gender=female:.5,male:.5 or age=18-34:30,35-80:70; may be given again.")
    ] = None,
    plan: Annotated[Path | None, typer.Option(help="A plan or demographics (JSON, YAML), in place of quotas.")] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="A folder, or a file *.jsonl.")] = Path("people"),
    detail: Annotated[Literal["brief", "standard", "rich"], typer.Option(help="How much is written.")] = "standard",
    country: Annotated[str | None, typer.Option(help="Where they are from, if the description does not say.")] = None,
    seed: int = 0,
    force: Annotated[bool, typer.Option("--force", help="Replace people who are there.")] = False,
) -> None:
    """Draw people to quotas and let the model write them; without quotas the model proposes a plan first."""
    with _told(resumes=True):
        import workbench as wb
        from workbench.populations.population_files import check_place
        from workbench.populations.quotas import quotas_of

        check_place(out, "replace" if force else "fail")
        planned = wb.SamplingPlan.from_demographics(plan, n) if plan else None
        generating = wb.Population.generate(
            about,
            quotas_of(quota or []) or None,
            n=n,
            plan=planned,
            detail=detail,
            country=country,
            seed=seed,
        )
        made = wb.sync(generating)
        saved = made.save(out, if_exists="replace" if force else "fail")
        typer.echo(f"{made.summary()}\nWritten to {saved}: {made.meter}")


@app.command()
def pack(
    run: Annotated[Path, typer.Argument(help="A run file.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="The archive; NAME.zip beside it by default.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an archive that is there.")] = False,
) -> None:
    """Write a run into one file: the run, its answers, its people and pictures, and an HTML report."""
    with _told():
        from workbench.worlds import archives

        logging.getLogger("workbench").addHandler(logging.NullHandler())  # what it warns of is told here
        archive = archives.pack(run, out, if_exists="replace" if force else "fail")
        typer.echo(f"Written to {archive}:\n{archives.read_manifest(archive)}")


@app.command()
def unpack(
    archive: Annotated[Path, typer.Argument(help="What `workbench pack` wrote.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="A new folder; NAME beside it by default.")] = None,
) -> None:
    """Unpack a run: nothing but what `pack` writes, each file checked, whole or not at all."""
    with _told():
        from workbench.worlds import archives

        folder = archives.unpack(archive, out)
        typer.echo(f"Unpacked into {folder}:\n{archives.read_manifest(archive)}")


@cache_app.command()
def stats() -> None:
    """Say how many calls there are, and how large they are."""
    with _told():
        from workbench.llm.cache import CallCache

        facts = CallCache.open().stats()
        typer.echo(f"{facts['calls']} calls, {facts['bytes'] / 1e6:.1f} MB, in {facts['path']}")


@cache_app.command()
def export(
    recording: Annotated[Path, typer.Argument(help="The JSONL file to write.")],
    run: Annotated[Path | None, typer.Option(help="Only the turns of this run file.")] = None,
) -> None:
    """Write a recording, with which anyone re-runs a study with no model and no key."""
    with _told():
        from workbench.llm.cache import CallCache
        from workbench.record.run_file import RunFile

        file = RunFile.open(run) if run else None
        keys = {event.call for event in file.events() if event.call} if file else None
        n = CallCache.open().export(recording, keys, file.spec if file else None)
        typer.echo(f"{n} calls written to {recording}")


@cache_app.command("import")
def import_(recording: Annotated[Path, typer.Argument(help="The JSONL file to read.")]) -> None:
    """Take in a recording."""
    with _told():
        from workbench.llm.cache import CallCache

        typer.echo(f"{CallCache.open().load(recording)} new calls from {recording}")


@cache_app.command()
def prune(older_than: Annotated[float, typer.Option(min=0, help="Days.")]) -> None:
    """Drop the calls that are older than so many days."""
    with _told():
        from workbench.llm.cache import CallCache

        typer.echo(f"{CallCache.open().prune(older_than)} calls dropped")


@app.command()
def personas() -> None:
    """List the example personas and fragments."""
    with _told():
        from workbench.agents.person import Person
        from workbench.agents.persona_files import example_files

        for name, file in example_files("persona").items():
            typer.echo(f"{name:20} {Person.load(file).minibio()}")
        for name in example_files("fragment"):
            typer.echo(f"{name:20} a fragment")


def _run(notebook: Path, out: Path, parameters: dict[str, Any]) -> None:
    from workbench.experiments.notebooks import run_notebook
    from workbench.experiments.reports import write_report

    executed = run_notebook(notebook, out, parameters)
    write_report(executed, executed.with_suffix(".html"))
    typer.echo(f"\nWritten to {out}:")
    for file in sorted(out.iterdir()):
        if file.is_file() and not file.name.startswith("."):
            typer.echo(f"  {file.name:24} {file.stat().st_size / 1000:>8.1f} kB")


def _joined(args: list[str]) -> list[str]:
    joined, rest = [], iter(args)
    for arg in rest:
        joined.append(arg)
        if arg in ("-p", "--parameter"):
            name = next(rest, "")
            joined.append(name if "=" in name else f"{name}={next(rest, '')}")
    return joined


def _parsed(pairs: list[str]) -> dict[str, Any]:
    from workbench.experiments.notebooks import parse_parameter

    parameters = {}
    for pair in pairs:
        name, _, value = pair.partition("=")
        if not name or not value:
            raise InvalidSettings(f"-p {pair}: give a name and a value, as in -p steps 3")
        parameters[name.strip()] = parse_parameter(value)
    return parameters


@contextmanager
def _told(out: Path | None = None, *, resumes: bool = False) -> Iterator[None]:
    """Say what went wrong in a sentence, and how what was stopped goes on: a run, or what only the call cache has."""
    try:
        yield
    except WorkbenchError as error:
        typer.secho(f"error: {error}{_kept(out)}", fg="red", err=True)
        raise typer.Exit(1) from error
    except KeyboardInterrupt as stop:
        kept = f" To go on, give the same command again ({_again()}): {_CACHED}." if resumes else _kept(out)
        typer.secho(f"\nStopped.{kept}", err=True)
        raise typer.Exit(130) from stop


_CACHED = "what was answered comes from the call cache"


def _again() -> str:
    return shlex.join(["workbench", *sys.argv[1:]])


def _kept(out: Path | None) -> str:
    from workbench.record.run_file import RunFile

    told = []
    for path in sorted(out.glob("*.sqlite")) if out else []:
        with suppress(WorkbenchError):  # something else that is called so
            told.append(f"{RunFile.open(path).steps} whole step(s) are kept in {path}")
    if not told:
        return ""
    return (
        f" {'; '.join(told)}. To go on, give the same command again ({_again()}): {_CACHED}. Or in Python: "
        "World.resume(path)."
    )


if __name__ == "__main__":
    app()
