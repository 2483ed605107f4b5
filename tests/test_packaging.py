"""What is declared, what is locked and what `make` installs is the same, on Linux and macOS."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
FILES = {
    "requirements": PYPROJECT["project"]["dependencies"],
    "requirements-dev": PYPROJECT["dependency-groups"]["dev"],
    "requirements-cluster": PYPROJECT["dependency-groups"]["cluster"],
}
MACHINES = {
    "linux": {"sys_platform": "linux", "platform_system": "Linux", "platform_machine": "x86_64"},
    "linux-arm": {"sys_platform": "linux", "platform_system": "Linux", "platform_machine": "aarch64"},
    "macos": {"sys_platform": "darwin", "platform_system": "Darwin", "platform_machine": "arm64"},
}


def declared(name: str) -> list[str]:
    """The requirements of a file, without its reasons."""
    lines = (ROOT / f"{name}.txt").read_text().splitlines()
    return [line.partition("#")[0].strip() for line in lines if line and not line.startswith(("#", "-r"))]


def locked(name: str) -> list[Requirement]:
    text = (ROOT / f"{name}.lock").read_text()
    return [Requirement(line.rstrip(" \\")) for line in text.splitlines() if re.match(r"[a-z0-9]", line)]


def installed(name: str, machine: str, python: str) -> dict[str, Version]:
    """What a lock file installs on such a machine. Fails if it names a package twice there."""
    where = {
        **default_environment(),
        **MACHINES[machine],
        "python_version": python,
        "python_full_version": f"{python}.1",
    }
    found: dict[str, Version] = {}
    for pin in locked(name):
        if pin.marker is None or pin.marker.evaluate(where):
            (specifier,) = pin.specifier
            assert specifier.operator == "=="
            assert found.setdefault(canonicalize_name(pin.name), Version(specifier.version)) == Version(
                specifier.version
            )
    return found


@pytest.mark.parametrize("name", FILES)
def test_pyproject_says_what_the_requirements_say(name):
    assert FILES[name] == declared(name)


@pytest.mark.parametrize("line", [line for name in FILES for line in declared(name)])
def test_every_requirement_has_a_lowest_version_and_an_upper_bound(line):
    operators = {s.operator for s in Requirement(line).specifier}
    assert operators in ({">=", "<"}, {"=="})


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13", "3.14"])
@pytest.mark.parametrize("machine", MACHINES)
def test_the_locks_hold_every_requirement_within_its_bounds(machine, python):
    pins = {name: installed(name, machine, python) for name in FILES}
    for name in FILES:
        for line in declared(name):
            wanted = Requirement(line)
            assert pins[name][canonicalize_name(wanted.name)] in wanted.specifier
    small = pins["requirements"].items()
    assert small <= pins["requirements-dev"].items()  # `make test` proves the versions that `make run` serves
    assert small <= pins["requirements-cluster"].items()  # which those that a cluster has must not change


def test_cuda_is_for_linux_alone():
    assert any(name.startswith("nvidia-") for name in installed("requirements", "linux", "3.11"))
    assert not any(
        name.startswith(("nvidia-", "cuda-", "triton")) for name in installed("requirements", "macos", "3.11")
    )


@pytest.mark.parametrize("name", FILES)
def test_every_pin_has_its_hashes_and_no_address(name):
    text = (ROOT / f"{name}.lock").read_text()
    blocks = re.split(r"\n(?=[a-z0-9])", text)[1:]
    assert len(blocks) > 50
    assert all("--hash=sha256:" in block for block in blocks)
    assert "://" not in text


@pytest.mark.parametrize(
    ("target", "lock"),
    [("run", "requirements.lock"), ("check", "requirements-dev.lock"), ("cluster", "requirements-cluster.lock")],
)
def test_make_installs_from_the_locks(target, lock, tmp_path):
    (tmp_path / "Makefile").write_text((ROOT / "Makefile").read_text())
    for name in FILES:
        (tmp_path / f"{name}.lock").touch()
    said = subprocess.run(["make", "-n", target], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert re.findall(r"install .*-r (\S+)", said) == [lock]
