"""The archives of a night: what a file says is what the command line would have said, and mistakes are named."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st
from legal_keys import legal_keys

from pipeline.archives_file import ArchiveEntry, read_archives
from pipeline.cli.nightly import _of_file as of_file
from pipeline.errors import ConfigurationError
from pipeline.models import Format, Place

ROOT = Path(__file__).parents[3]


def parsed(entry):
    """The options of an entry, as the command line has them."""
    return of_file.make_context("archive", entry.command_line()).params


def read(tmp_path, text):
    file = tmp_path / "archives.toml"
    file.write_text(text, "utf-8")
    return read_archives(file)


def test_the_example_is_valid_and_names_every_option_that_there_is():
    example = ROOT / "configs" / "archives.example.toml"
    entries = read_archives(example)
    options = [parsed(entry) for entry in entries]

    assert [found["archive"].bucket for found in options] == ["my-podcasts", "my-interviews", "my-radio"]
    assert {found["max_cost"] for found in options} == {25.0}
    assert options[1]["output"] == Place(bucket="my-transcripts", prefix="interviews/")
    assert (options[1]["speakers"], options[1]["keyterms"]) == (2, ("Nightscribe", "SeaweedFS"))
    assert options[2]["extra"] == {"batch_size": 16}
    assert [found["on_suspect"] for found in options] == ["report", "report", "retry:fal-ai/wizper"]
    text = example.read_text("utf-8")
    assert [name for name in ArchiveEntry.model_fields if name not in text] == []


def test_an_archive_may_say_whatever_an_option_may():
    """No second vocabulary: each option of an archive has its name in the file, and nothing else has."""
    of_options = {parameter.opts[-1].removeprefix("--").replace("-", "_") for parameter in of_file.params}

    assert of_options - {"archive", "arg"} | {"uri", "args"} == set(ArchiveEntry.model_fields)


def test_an_archive_says_otherwise_than_the_defaults(tmp_path):
    (entry,) = read(
        tmp_path,
        '[defaults]\ndiarize = true\nformats = ["vtt", "srt"]\nmax_cost = 5\n'
        '[[archive]]\nuri = "s3://b/"\ndiarize = false\nformats = []\n',
    )

    options = parsed(entry)

    assert (options["diarize"], options["formats"], options["max_cost"]) == (False, (), 5.0)


texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20)
json_values = st.none() | st.booleans() | st.integers(-9, 9) | texts | st.lists(st.integers(0, 9), max_size=2)


@given(
    prefix=legal_keys,
    prompt=texts,
    include=st.lists(texts, max_size=2),
    args=st.dictionaries(texts.filter(lambda name: "=" not in name), json_values, max_size=2),
    formats=st.lists(st.sampled_from(Format), unique=True),
    flags=st.tuples(st.booleans(), st.booleans(), st.booleans()),
)
def test_whatever_stands_in_an_entry_arrives_as_it_is(prefix, prompt, include, args, formats, flags):
    translate, words, delete_payloads = flags
    entry = ArchiveEntry(
        uri=f"s3://b/{prefix}",
        prompt=prompt,
        include=tuple(include),
        args=args,
        formats=tuple(kind.value for kind in formats),
        translate=translate,
        words=words,
        delete_payloads=delete_payloads,
    )

    found = parsed(entry)

    assert found["archive"] == Place(bucket="b", prefix=prefix)
    assert (found["prompt"], found["include"], found["extra"]) == (prompt, tuple(include), args)
    assert found["formats"] == tuple(formats)
    assert (found["translate"], found["words"], found["delete_payloads"]) == flags


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[archive]]\nuri = ", ["is no TOML file"]),
        ("", ["names no archive"]),
        ("[archives]\nuri = 's3://b/'", ["no table 'archives'", "Did you mean 'archive'?"]),
        ("[[archive]]\nuri = 's3://b/'\nmodle = 'x'", ["[[archive]] 1", "no name 'modle'", "Did you mean 'model'?"]),
        ("[defaults]\nformat = ['vtt']\n[[archive]]\nuri = 's3://b/'", ["[defaults]", "Did you mean 'formats'?"]),
        ("[defaults]\nuri = 's3://b/'", ["[defaults]", "single [[archive]]"]),
        ("[[archive]]\nmodel = 'x'", ["[[archive]] 1", "uri is wrong"]),
        ("[[archive]]\nuri = 's3://b/'\nformats = 'vtt'", ["[[archive]] 1", "formats is wrong"]),
        ("[[archive]]\nuri = 's3://b/'\ndiarize = 'yes'", ["[[archive]] 1", "diarize is wrong"]),
        ("[[archive]]\nuri = 's3://b/'\nlimit = 2.5", ["[[archive]] 1", "limit is wrong"]),
        ("[[archive]]\nuri = 's3://b/'\n[[archive]]\nuri = 's3://b/'", ["[[archive]] 2", "[[archive]] 1 already"]),
        ("archive = 5", ["[[archive]]"]),
    ],
)
def test_a_mistake_is_named_with_its_file_and_table(tmp_path, text, words):
    with pytest.raises(ConfigurationError) as error:
        read(tmp_path, text)

    assert str(tmp_path / "archives.toml") in error.value.message
    assert [word for word in words if word not in error.value.message] == []


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigurationError, match="No such file"):
        read_archives(tmp_path / "none.toml")


def test_a_value_that_the_option_refuses_is_refused(tmp_path):
    (entry,) = read(tmp_path, "[[archive]]\nuri = 's3://b/'\nmax_cost = -1.0")

    with pytest.raises(click.UsageError, match="not in the range"):
        parsed(entry)
