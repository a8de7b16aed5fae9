"""Every prompt, one Jinja2 Markdown file each beside this one, and the one function that renders them."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from workbench.errors import PromptError

if TYPE_CHECKING:
    from jinja2 import Environment, Template

__all__ = ["prompts_version", "render", "render_text", "variables_of"]


def render(prompt: str, /, **variables: Any) -> str:
    """Render a prompt.

    Args:
        prompt: its file's name without `.md`.
        **variables: what it speaks of. Texts go in as they are and are never read as a template.

    Raises:
        PromptError: there is no such prompt, or it needs variables that are not given; all are named.
    """
    return _render(_load(prompt), f"the prompt {prompt!r}", variables)


def render_text(source: str, name: str, /, **variables: Any) -> str:
    """Render a text that a researcher wrote, such as a claim.

    Args:
        source: a Jinja2 template.
        name: what it is called, for messages.
        **variables: what it speaks of.

    Raises:
        PromptError: it is no template, needs variables that are not given (all are named), or reaches for what a
            claim may not have.
    """
    return _render(_compile(source, name), repr(name), variables)


def variables_of(source: str, name: str, /) -> frozenset[str]:
    """Return the variables that a text of a researcher speaks of.

    Args:
        source: a Jinja2 template.
        name: what it is called, for messages.

    Raises:
        PromptError: it is no template.
    """
    return _compile(source, name)[1]


def _render(compiled: tuple[Template, frozenset[str]], name: str, variables: dict[str, Any]) -> str:
    template, needed = compiled
    if missing := needed - variables.keys():
        raise PromptError(f"{name} needs {', '.join(sorted(missing))}")
    from jinja2 import TemplateError

    try:
        return template.render(variables)
    except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise PromptError(f"{name} cannot be rendered: {error}") from error


def prompts_version() -> str:
    """Return a short hash of all prompts: it tells whether two runs were made with the same ones."""
    files = sorted((f for f in resources.files(__name__).iterdir() if f.name.endswith(".md")), key=lambda f: f.name)
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:12]


@cache
def _environment() -> Environment:
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    # A claim may have been proposed by a model and come from a table; prompts are not HTML.
    return ImmutableSandboxedEnvironment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


@cache
def _load(prompt: str) -> tuple[Template, frozenset[str]]:
    file = resources.files(__name__) / f"{prompt}.md"
    if not file.is_file():
        raise PromptError(f"there is no prompt {prompt!r}")
    return _compile(file.read_text(encoding="utf-8"), prompt)


@cache
def _compile(source: str, name: str) -> tuple[Template, frozenset[str]]:
    from jinja2 import TemplateSyntaxError, meta

    environment = _environment()
    try:
        template, tree = environment.from_string(source), environment.parse(source)
    except TemplateSyntaxError as error:
        raise PromptError(f"{name!r}, line {error.lineno}: {error.message}") from error
    return template, frozenset(meta.find_undeclared_variables(tree))
