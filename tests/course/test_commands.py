"""What all command lines do with errors; what each of them does is tested beside its concern."""

import pytest

from cnnlab import command_line


@pytest.fixture
def parser():
    made, verbs = command_line.parser("cnnlab.thing", "Does things.", "a table\n  of two lines\n")
    verbs.add_parser("run")
    return made


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (None, 0, ""),
        (FileNotFoundError("no file"), 1, "cnnlab.thing: no file\n"),  # an OSError
        (KeyboardInterrupt(), 130, "cnnlab.thing: stopped; go on\n"),
    ],
)
def test_an_error_becomes_a_line_and_a_status(parser, capsys, error, status, line):
    with command_line.outcome(parser, OSError, interrupted="stopped; go on") as ended:
        print("at work")
        if error:
            raise error
    assert ended.status == status
    assert capsys.readouterr() == ("at work\n", line)


def test_stopped_without_a_word(parser, capsys):
    with command_line.outcome(parser, OSError) as ended:
        raise KeyboardInterrupt
    assert ended.status == 130 and capsys.readouterr() == ("", "")


def test_a_value_that_is_no_failure_is_wrong_usage(parser, capsys):
    with pytest.raises(SystemExit, match="2"), command_line.outcome(parser, OSError):
        raise ValueError("epochs must be positive")
    usage, last = capsys.readouterr().err.splitlines()
    assert (
        usage.startswith("usage: python -m cnnlab.thing")
        and last == "python -m cnnlab.thing: error: epochs must be positive"
    )
    with command_line.outcome(parser, OSError, ValueError) as ended:
        raise ValueError("epochs must be positive")
    assert ended.status == 1


def test_other_errors_are_bugs_and_pass(parser):
    with pytest.raises(KeyError), command_line.outcome(parser, OSError):
        raise KeyError("name")


def test_a_verb_is_needed_and_help_keeps_its_lines(parser, capsys):
    with pytest.raises(SystemExit, match="2"):
        parser.parse_args([])
    with pytest.raises(SystemExit, match="0"):
        parser.parse_args(["--help"])
    assert "a table\n  of two lines\n" in capsys.readouterr().out
