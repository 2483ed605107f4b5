"""Who trains beside whom, and on how many threads; and the GPUs as the driver's program tells them."""

import stat

import pytest

from data import DATASETS, POINT_SETS
from models import MODELS
from models.jobs import gpus as driver
from models.jobs.gpus import Gpu
from models.jobs.placing import SMALL_PER_CORE, Machine, Place, is_small
from models.jobs.states import Capacity
from models.runs.run import Run
from models.runs.store import Folder

SMALL, LARGE = Run.make("digits", "m2"), Run.make("mnist", "m2")
FROZEN = Run.make("digits", next(name for name, card in MODELS.items() if card.frozen))
TWO = Machine(cores=2)


def test_what_is_small():
    assert is_small(SMALL)
    assert not is_small(LARGE)
    assert not is_small(FROZEN), "a pretrained network's steps are long on any data set"
    assert {name for name in DATASETS if is_small(Run.make(name, "m2"))} == {"digits", *POINT_SETS}


def test_four_models_of_the_digits_train_side_by_side_on_two_cores_with_one_thread_each():
    taken: list[Place] = []
    while place := TWO.place(SMALL, 0, taken):
        taken.append(place)
    assert taken == [Place(True, 1)] * (2 * SMALL_PER_CORE)
    assert TWO.place(LARGE, 0, []) == Place(False, 2)
    assert TWO.place(SMALL, 0, [Place(False, 2)]), "a small run never waits for a large one"


@pytest.mark.parametrize(
    ("machine", "taken", "waiting", "threads"),
    [
        (TWO, (), 1, 2),
        (TWO, (), 2, 1),
        (TWO, (Place(False, 1),), 1, 1),
        (TWO, (Place(False, 2),), 1, None),
        (TWO, (Place(False, 1), Place(False, 1)), 1, None),
        (Machine(2, load=1.9), (), 1, 1),
        (Machine(2, load=0.5), (), 1, 2),
        (Machine(16, load=3.1), (), 1, 13),
        (Machine(16, load=3.1), (Place(False, 8),), 1, 8),
        (Machine(16), (), 3, 5),
        (Machine(16, load=99), (), 1, 1),
        (Machine(2, slots=1), (), 3, 2),
        (Machine(2, slots=2), (Place(False, 1),), 3, 1),
        (Machine(2, slots=1), (Place(True, 1),), 1, None),
    ],
)
def test_a_large_run_shares_the_cores_that_are_left(machine, taken, waiting, threads):
    place = machine.place(LARGE, 0, taken, waiting)
    assert (place.threads if place else None) == threads


def test_what_a_run_names_or_was_given_before_is_what_it_gets():
    assert TWO.place(SMALL, 2, []) == Place(True, 2)
    assert TWO.place(Run.make(threads=3), 2, []) == Place(True, 3)
    assert Machine(16, load=99).place(LARGE, 7, []) == Place(False, 7)


def test_a_run_a_gpu_and_the_cpu_for_those_that_name_it():
    machine, taken = Machine(8, gpus=2), []
    for _ in range(2):
        taken.append(machine.place(LARGE, 0, taken))
    assert [p.gpu for p in taken] == [0, 1]
    assert machine.place(LARGE, 0, taken) is None
    on_cpu = Run.make("mnist", "m2", device="cpu")
    assert machine.place(on_cpu, 0, taken) == Place(False, 8)
    small = [Place(True, 1, 0)] * 3
    assert machine.place(SMALL, 0, small) == Place(True, 4, 1)
    assert machine.place(LARGE, 0, [*small, Place(True, 1, 1)]) is None, "each GPU has a run already"


def test_what_a_run_was_given_is_kept_and_goes_with_no_other(tmp_path):
    folder = Folder.create(SMALL, tmp_path)
    assert folder.threads == 0
    folder.keep_threads(3)
    folder.keep_threads(5)
    assert Folder(folder.path).threads == 3
    assert Folder(folder.path).run == SMALL
    folder.change(Run.make("digits", "m2", epochs=99))
    assert folder.threads == 3


def test_the_drivers_answer(tmp_path, monkeypatch):
    program = tmp_path / "nvidia-smi"
    program.write_text(
        "#!/bin/sh\necho '0, NVIDIA GeForce RTX 4070, 11264, 12282'\necho '1, NVIDIA GB10, [N/A], [N/A]'\n"
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    assert driver.ask(str(program)) == [Gpu(0, "NVIDIA GeForce RTX 4070", 11264 << 20, 12282 << 20)]
    program.write_text("#!/bin/sh\nexit 9\n")
    assert driver.ask(str(program)) == []
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    monkeypatch.setattr(driver, "_answer", None)
    assert driver.gpus() == []


def test_where_runs_train_and_how_many_at_once():
    idle = Capacity(slots=0, cores=2, running=0, queued=0, warm=True)
    assert idle.at_once(4) == 2
    assert Capacity(slots=1, cores=2, running=0, queued=0, warm=True).at_once(2) == 1
    assert idle.device == "CPU, 2 cores"
    card = Gpu(0, "RTX 4070", 11 << 30, 12 << 30)
    assert Capacity(0, 2, 0, 0, True, gpus=(card,)).device == "RTX 4070, 11 GiB free"
    assert Capacity(0, 8, 0, 0, True, gpus=(card, card)).at_once(4) == 2, "a run each"
