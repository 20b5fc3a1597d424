"""Options and argument types that several commands share."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import click
from pydantic import JsonValue

from pipeline.models import Format, Place


class S3Uri(click.ParamType[Place]):
    """`s3://BUCKET/PREFIX` as a `Place`. The prefix is taken as it stands: nothing in a key is special."""

    name = "s3://bucket/prefix"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Place:
        """See `click.ParamType.convert`."""
        if isinstance(value, Place):
            return value
        if not value.startswith("s3://"):
            self.fail(f"{value!r} is no S3 address. Write it as s3://BUCKET/PREFIX.", param, ctx)
        bucket, _, prefix = value.removeprefix("s3://").partition("/")
        if not bucket:
            self.fail(f"{value!r} names no bucket. Write it as s3://BUCKET/PREFIX.", param, ctx)
        try:
            value.encode()
        except UnicodeEncodeError:  # an argument of other bytes, which Python passes on as halves of characters
            self.fail(f"{value!r} is not UTF-8, and every key in S3 is.", param, ctx)
        return Place(bucket=bucket, prefix=prefix)


def _arguments(_context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, JsonValue]:
    """KEY=VALUE pairs; a value that is JSON is taken as JSON, anything else as text."""
    arguments: dict[str, JsonValue] = {}
    for pair in values:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            raise click.BadParameter(f"{pair!r} is not of the form KEY=VALUE, for example --arg batch_size=16.")
        try:
            arguments[name] = json.loads(text)
        except ValueError:
            arguments[name] = text
    return arguments


def _formats(_context: click.Context, parameter: click.Parameter, value: str | None) -> tuple[Format, ...]:
    names = [name.strip().lower() for name in (value or "").split(",") if name.strip()]
    known = {kind.value for kind in Format}
    for name in names:
        if name not in known:
            raise click.BadParameter(f"there is no format {name!r}; there are: {', '.join(sorted(known))}.")
    if not names and parameter.required:
        raise click.BadParameter(f"it names no format; there are: {', '.join(sorted(known))}.")
    return tuple(Format(name) for name in dict.fromkeys(names))


def _keyterms(_context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """Terms from all of the lists, each once."""
    terms = (term.strip() for value in values for term in value.split(","))
    return tuple(dict.fromkeys(term for term in terms if term))


def recipe_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The model, and what is asked of it in words that are the same for every model; --arg for all others."""
    for option in (
        click.option(
            "--arg",
            "extra",
            multiple=True,
            callback=_arguments,
            metavar="KEY=VALUE",
            help="An argument of the model, as fal documents it. May be repeated.",
        ),
        click.option(
            "--keyterms",
            multiple=True,
            callback=_keyterms,
            metavar="A,B,C",
            help="Names and terms that are likely to be said. May be repeated.",
        ),
        click.option("--prompt", metavar="TEXT", help="A text in the style and spelling that is wanted."),
        click.option("--words", is_flag=True, help="Times for single words too."),
        click.option("--speakers", type=click.IntRange(min=1), metavar="N", help="Tell apart so many speakers."),
        click.option("--diarize", is_flag=True, help="Tell speakers apart."),
        click.option("--translate", is_flag=True, help="Write English, whatever is spoken: --task translate."),
        click.option("--task", type=click.Choice(["transcribe", "translate"]), help="translate writes English."),
        click.option(
            "--language", metavar="CODE|auto", help="Language of the audio, such as de; auto has the model detect it."
        ),
        click.option("--model", metavar="ID", help="fal endpoint id; nightscribe models lists those that are known."),
    ):
        command = option(command)
    return command


def archive_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The archive, filters, output and --limit."""
    return click.argument("archive", type=S3Uri(), metavar="s3://BUCKET/PREFIX")(filter_options(command))


def filter_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Filters, output and --limit."""
    for option in (
        click.option("--limit", type=click.IntRange(min=0), metavar="N", help="Transcribe at most N objects."),
        click.option("--output", type=S3Uri(), help="Put results under this place instead of beside the audio."),
        click.option("--exclude", multiple=True, metavar="GLOB", help="Leave out keys that match. May be repeated."),
        click.option("--include", multiple=True, metavar="GLOB", help="Only keys that match. May be repeated."),
    ):
        command = option(command)
    return command


_FORMATS = ",".join(kind.value for kind in Format)
formats_option = click.option(
    "--formats",
    callback=_formats,
    metavar=_FORMATS,
    help="Also write these beside the sidecar; json is that of Podcasting 2.0. None without this option.",
)
wanted_formats_option = click.option(
    "--formats",
    callback=_formats,
    metavar=_FORMATS,
    required=True,
    help="What to make, separated by commas; json is that of Podcasting 2.0.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
