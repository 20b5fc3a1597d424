"""The folder of a stack: private, locked, never somebody else's, and honest about what runs in it."""

import os
import stat

import pytest

from emulator.stack import StackError
from emulator.stack import folder as folders
from emulator.stack.processes import without_strangers
from emulator.stack.state import ENV, clear, read_env, read_ready, write_env, write_ready


def test_a_folder_with_files_that_no_stack_made_is_refused_and_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")

    with pytest.raises(StackError, match="no stack made"):
        folders.take(tmp_path)

    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_what_an_earlier_stack_left_is_removed(tmp_path):
    with folders.take(tmp_path):
        (tmp_path / "s3").mkdir()
        (tmp_path / "s3" / "1.dat").write_text("old")

    with folders.take(tmp_path):
        assert {path.name for path in tmp_path.iterdir()} == {folders.LOCK}


def test_a_folder_is_taken_once_and_knows_its_owner(tmp_path):
    assert folders.owner(tmp_path) is None

    with folders.take(tmp_path):
        assert folders.owner(tmp_path) == os.getpid()
        with pytest.raises(StackError, match="--stop"):
            folders.take(tmp_path)

    assert folders.owner(tmp_path) is None


def test_the_variables_survive_the_file_and_only_their_owner_reads_it(tmp_path):
    variables = {"FAL_KEY": "id:secret", "ODD": 'it\'s a $HOME `x` "y" #z'}
    (tmp_path / ENV).write_text("from before, readable by all")

    write_env(tmp_path / ENV, variables)

    assert read_env(tmp_path / ENV) == variables
    assert stat.S_IMODE((tmp_path / ENV).stat().st_mode) == 0o600


def test_a_stack_that_ended_sends_nobody_to_its_servers(tmp_path):
    write_env(tmp_path / ENV, {"REDIS_URL": "redis://127.0.0.1:1/0"})
    write_ready(tmp_path, {"redis": "redis://127.0.0.1:1/0"})
    assert read_ready(tmp_path) == {"redis": "redis://127.0.0.1:1/0"}

    clear(tmp_path, [tmp_path / ENV])

    assert read_ready(tmp_path) is None
    assert not (tmp_path / ENV).exists()


def test_programs_of_the_stack_see_no_real_account_and_no_proxy():
    environment = without_strangers(
        {"AWS_PROFILE": "prod", "FAL_KEY_ID": "real", "REDIS_URL": "redis://prod", "PATH": "/bin", "NO_PROXY": "a.b"}
    )

    assert environment == {"PATH": "/bin", "NO_PROXY": "a.b,127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}
