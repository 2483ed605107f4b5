"""On Windows one sentence says that this does not run there, on a page and in a shell."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
WITHOUT = 'import sys; sys.modules["fcntl"] = None; sys.platform = "win32"\n'  # as on Windows: no such module
PAGE = """
import sys
from streamlit.testing.v1 import AppTest
sys.modules["fcntl"] = None
app = AppTest.from_file("app.py", default_timeout=200).run()
if {page!r} != "app.py":
    app.switch_page({page!r}).run()
assert not app.exception, app.exception
print(*(e.value for e in app.error), sep="\\n")
"""


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=200)


@pytest.mark.parametrize("command", ["--version", "list", "train"])
def test_the_shell_says_so_in_one_sentence(command):
    code = f'import runpy; sys.argv = ["models", {command!r}]; runpy.run_module("models", run_name="__main__")'
    done = python(WITHOUT + code)
    assert (done.returncode, done.stdout) == (1, "")
    (sentence,) = done.stderr.splitlines()
    assert "Linux and macOS only" in sentence
    assert "win32" in sentence
    assert "WSL2" in sentence


@pytest.mark.parametrize("page", ["app.py", "pages/train.py"])
def test_a_page_says_so_and_nothing_else(page):
    done = python(PAGE.format(page=page))
    assert done.returncode == 0, done.stderr[-2000:]
    (sentence,) = done.stdout.splitlines()
    assert "WSL2" in sentence


def test_here_it_goes_on():
    assert python("import supported; supported.require(); import data; print(data.DATASETS['digits'].name)").stdout
