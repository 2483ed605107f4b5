"""Maps and the codes of every image: asked for, made once, failed, made again."""

import shutil
import threading
import time

import fake_training as fake
import pytest
from lab import until

from models import jobs
from models.errors import JobsError, StoreError

# Maps


def made(engine, id):
    path = engine.folder(id).path / "maps-made"
    return [line.split() for line in path.read_text().splitlines()] if path.exists() else []


def test_a_finished_run_gets_the_maps_of_its_last_epoch_unasked(cold):
    id = cold.go(fake.MAPPED)
    for which in ("z", "a"):
        until(lambda w=which: cold.map_state(id, 1, w) == ("ready", ""), what=f"the map of {which}")
    assert cold.map_state(id, 1, "h") == ("absent", "")
    assert {line[0] for line in made(cold, id)} == {"z", "a"}


def test_asking_for_a_map_often_makes_it_once_and_one_process_makes_them_all(cold):
    id = cold.go(fake.MAPPED)
    cold.end(id)
    until(lambda: cold.map_state(id, 1, "a")[0] == "ready", what="the maps")
    shutil.rmtree(cold.folder(id).path / "maps")
    (cold.folder(id).path / "maps-made").unlink()
    askers = [threading.Thread(target=cold.map, args=(id, 1, which)) for which in ("z", "a") * 5]
    for t in askers:
        t.start()
    for t in askers:
        t.join()
    for which in ("z", "a"):
        until(lambda w=which: cold.map_state(id, 1, w)[0] == "ready", what=f"the map of {which}")
    cold.map(id, 1, "z")
    time.sleep(0.3)
    lines = made(cold, id)
    assert sorted(line[0] for line in lines) == ["a", "z"]
    assert len({line[2] for line in lines}) == 1


def test_a_map_that_fails_says_why_and_is_not_tried_for_ever(cold):
    id = cold.go(fake.SLOW, epochs=2)
    next(iter(fake.mapped(cold.folder(id))), None)
    (cold.folder(id).path / "map").write_text("fails")
    cold.map(id, 1, "z")
    _, why = until(lambda: (s := cold.map_state(id, 1, "z"))[0] == "failed" and s, what="the failure")
    assert "these codes cannot be mapped" in why
    cold.map(id, 1, "z")
    time.sleep(0.3)
    assert [line[0] for line in made(cold, id)].count("z") == 1
    (cold.folder(id).path / "map").write_text("")
    cold.map(id, 1, "z", again=True)
    until(lambda: cold.map_state(id, 1, "z") == ("ready", ""), what="the map")


def test_a_map_whose_process_was_killed_is_made_after_all(cold):
    id = cold.go(fake.SLOW, epochs=2)
    next(iter(fake.mapped(cold.folder(id))), None)
    (cold.folder(id).path / "map").write_text("dies once")
    cold.map(id, 1, "z")
    until(lambda: cold.map_state(id, 1, "z") == ("ready", ""), what="the map")
    assert cold.end(id) == "done"


def test_maps_of_nothing_are_sentences(cold):
    id = cold.go()
    cold.end(id)
    for bad in [("m2-digits-100-s0-none", 1, "z"), ("../x", 1, "z"), (id, 99, "z")]:
        with pytest.raises(StoreError, match=r"no run called|no snapshot"):
            cold.map(*bad)
    for bad in [
        ("y", "umap"),
        ("../z", "umap"),
        ("every", "film"),
        ("every", "whole"),
        ("z", "whole"),
        ("z", "isomap"),
    ]:
        with pytest.raises(JobsError, match="choose one of"):
            cold.map(id, 1, *bad)


def test_every_image_is_encoded_when_asked_for_and_once(cold):
    id = cold.go(fake.MAPPED)
    cold.end(id)
    assert cold.full_dataset_state(id, 1) == ("absent", "")
    askers = [threading.Thread(target=cold.full_dataset, args=(id, 1)) for _ in range(5)]
    for t in askers:
        t.start()
    for t in askers:
        t.join()
    until(lambda: cold.full_dataset_state(id, 1) == ("ready", ""), what="the codes of every image")
    assert [line[0] for line in made(cold, id)].count("every") == 1
    until(lambda: cold.map_state(id, 1, "a")[0] == "ready", what="the maps")
    assert len({line[2] for line in made(cold, id)}) == 1, "one process makes them all"


def test_an_encoding_that_fails_or_is_killed(cold):
    id = cold.go(fake.MAPPED)
    until(lambda: cold.map_state(id, 1, "a")[0] == "ready", what="the maps")
    (cold.folder(id).path / "map").write_text("fails")
    cold.full_dataset(id, 1)
    _, why = until(lambda: (s := cold.full_dataset_state(id, 1))[0] == "failed" and s, what="the failure")
    assert "these codes cannot be mapped" in why
    cold.full_dataset(id, 1)
    assert cold.full_dataset_state(id, 1)[0] == "failed", "it is not tried for ever"
    (cold.folder(id).path / "map").write_text("dies once")
    cold.full_dataset(id, 1, again=True)
    until(lambda: cold.full_dataset_state(id, 1) == ("ready", ""), what="the codes of every image")


def test_encodings_of_nothing_are_sentences(cold):
    id = cold.go()
    cold.end(id)
    for bad in [("m2-digits-100-s0-none", 1), ("../x", 1), (id, 99)]:
        with pytest.raises(StoreError, match=r"no run called|no snapshot"):
            cold.full_dataset(*bad)
        assert cold.full_dataset_state(*bad) == ("absent", "")


def test_an_engine_is_one_a_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("FEWLABELS_RUNS", str(tmp_path))
    assert jobs.engine() is jobs.engine(tmp_path)
    assert jobs.engine().root == tmp_path
