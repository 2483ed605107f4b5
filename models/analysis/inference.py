"""What one looks at in a model: class grids, codes, q(y|x). Functions of a model first, of a run folder below.

A page asks for the second kind through door.py: it gets arrays, never tensors, and what it computes takes no longer
than a blink. All of them raise StoreError (no weights yet, a damaged file, a run of another version, something asked
for that is not there) or DataError (the data set cannot be opened), each a sentence fit to be shown.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

import data
from data import DATASETS
from models import MODELS, aliases, load_class
from models.analysis.weights import stamp
from models.errors import StoreError
from models.methods.method import DrawingMethod, GenerativeMethod, Method
from models.nn.augment import to_float
from models.runs.files import unreadable
from models.runs.records import check_tensors
from models.runs.run import Run
from models.runs.split import split_indices
from models.runs.store import Folder
from models.training import feature_cache
from models.training.snapshot import AT_ONCE, MOST_COLUMNS, styles, tiles, to_uint8

MODELS_KEPT = 8  # in the memory of the process that serves pages; the largest has some 20 MiB


def walk(a: Tensor, b: Tensor, columns: int) -> Tensor:
    """Styles (columns, n_z) from a to b along an arc, for on a straight line all between would be too near to 0."""
    angle = torch.arccos((a @ b / (a.norm() * b.norm())).clamp(-0.999, 0.999))
    t = torch.linspace(0, 1, columns, device=a.device).unsqueeze(-1)
    return (((1 - t) * angle).sin() * a + (t * angle).sin() * b) / angle.sin()


# Of a run folder: what pages call


def class_grid(
    folder: Folder,
    columns: int = 10,
    seed: int = 0,
    classes: Sequence[int] | None = None,
    spread: float = 1.0,
    between: bool = False,
) -> np.ndarray:
    """p(x|y,z): a row for each class (all, unless given), one style down each column; uint8 (rows, columns, h, w, c).

    Styles are drawn from p(z) by the seed, or with `between` lie on the way from the first to the second of them, and
    are multiplied by `spread`: 0 draws the middle of every class.
    """
    asked = range(DATASETS[folder.run.dataset].n_classes) if classes is None else classes
    y = torch.as_tensor(known_classes(folder, asked))
    if not 1 <= columns <= MOST_COLUMNS:
        raise StoreError(f"A class grid cannot have {columns} columns. Choose 1 to {MOST_COLUMNS}.")
    model = load_drawing(folder)
    with computing():
        z = styles(model, max(2, columns), seed)
        z = walk(z[0], z[1], columns) if between else z[:columns]
        return tiles(model, y, spread * z)


def swap(folder: Folder, ids: Sequence[int], classes: Sequence[int] | None = None) -> dict[str, np.ndarray]:
    """Images, what the model makes of them, and their style under every class (or those given).

    "image", "reconstruction": uint8 (n, h, w, c); "classes": uint8 (n, classes, h, w, c), the same z with each class;
    "q_y": float32 (n, n_classes). The reconstruction is p(x|y,z) at the posterior mean of z and the likeliest class.
    """
    asked = range(DATASETS[folder.run.dataset].n_classes) if classes is None else classes
    y = torch.as_tensor(known_classes(folder, asked))
    shown = pixels(folder, ids)
    model = load_generative(folder)
    with computing():
        x = to_float(torch.from_numpy(shown))
        q, codes = model.classify_and_encode(x)
        q_y = q.probs
        k = q_y.argmax(-1)
        z = model.style(codes["z"], k)
        return {
            "image": np.moveaxis(shown, 1, -1),
            "reconstruction": to_uint8(model.generate(k, z)),
            "classes": tiles(model, y, z).swapaxes(0, 1),
            "q_y": q_y.float().numpy(),
        }


def q_y(folder: Folder, ids: Sequence[int]) -> np.ndarray:
    """q(y|x) of images, float32 (n, n_classes); for M1 the calibrated output of its SVM."""
    shown, model = pixels(folder, ids), load(folder)
    with computing():
        return model.classify(to_float(torch.from_numpy(shown))).probs.float().numpy()


def encode(folder: Folder, ids: Sequence[int]) -> dict[str, np.ndarray]:
    """Codes of images, float32 (n, size) each: "z", for ADGM also "a", for the supervised baseline "h"."""
    shown, model = pixels(folder, ids), load(folder)
    with computing():
        return {name: code.float().numpy() for name, code in model.encode(to_float(torch.from_numpy(shown))).items()}


_COMPUTING, _LOADING, _LOOKING = threading.Lock(), threading.Lock(), threading.Lock()
_kept: OrderedDict[tuple, Method] = OrderedDict()  # the one used last at the end; touched under _LOOKING


@contextmanager
def computing() -> Iterator[None]:
    """One page computes at a time, on one thread, without gradients, its RNG beginning in the same state.

    Thirty students who press a button together are served one after the other, some milliseconds each; all at once, on
    all cores, they would take longer and a run that trains beside them would stand still.
    """
    with _COMPUTING, one_thread(), torch.inference_mode(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one thread, whatever else waits for cores."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def load(folder: Folder) -> Method:
    """The model of a run with its latest weights, on the CPU, in eval mode; kept until others push it out."""
    key = (str(folder.path), stamp(folder))
    if (model := _recall(key)) is None:
        with _LOADING:  # whoever waits here for the same run finds it kept
            if (model := _recall(key)) is None:
                model = _load(folder)
                with _LOOKING:
                    for old in [k for k in _kept if k[0] == key[0]]:  # weights of an earlier epoch
                        del _kept[old]
                    _kept[key] = model
                    while len(_kept) > MODELS_KEPT:
                        _kept.popitem(last=False)
    return model


def _recall(key: tuple) -> Method | None:
    with _LOOKING:
        if key in _kept:
            _kept.move_to_end(key)
        return _kept.get(key)


def _load(folder: Folder) -> Method:
    run, path = folder.run, folder.path / "model.safetensors"
    spec = DATASETS[run.dataset]
    try:
        # Building draws from the RNG, which is another page's otherwise. What is handed out is no inference tensor, so
        # that autograd takes it in a notebook, and has no gradients of its own, so that `.numpy()` works there.
        with computing(), torch.inference_mode(False):
            model = load_class(run.model).build(spec.shape, spec.n_classes, run.settings)
            check_tensors(path, empty=True)
            model.load_state_dict(aliases.tensors(load_file(path)))
        model.eval().requires_grad_(False)
        for name in MODELS[run.model].weights[1:]:
            path = folder.path / name
            check_tensors(path)
            model.load_extra(name, load_file(path))
        if model.looks_at_training_images:
            seen = np.concatenate(split_indices(run, data.load(run.dataset))[:2])
            model.see_training_images(training_images(run), torch.from_numpy(seen))
    except data.DataError:
        raise
    except FileNotFoundError as e:
        raise StoreError(f"{path} is not there any more. Choose another run.") from e
    except PermissionError as e:
        raise StoreError(unreadable(path)) from e
    except (OSError, SafetensorError, ValueError) as e:
        raise StoreError(f"{path} is damaged, so nothing can be drawn from this run. Train it again.") from e
    except (KeyError, RuntimeError, IndexError, TypeError) as e:  # names or shapes that differ
        raise StoreError(
            f"The weights of {folder.id} are those of another version of {MODELS[run.model].title}. Train it again."
        ) from e
    return model


def training_images(run: Run) -> Any:
    """All training images of a run's data set, or their features where its method stands on a backbone.

    Raises DataError if the data set or the features are not on this machine.
    """
    images_of = data.load(run.dataset)
    return feature_cache.of_training(run, images_of) if MODELS[run.model].frozen else images_of.x


def load_ahead(folder: Folder) -> None:
    """Load the model of a run before somebody asks for what it computes."""
    load(folder)


def load_drawing(folder: Folder) -> DrawingMethod:
    method = MODELS[folder.run.model]
    if not method.pictures:
        raise StoreError(f"{method.title} has no p(x|y,z), so it cannot draw. Choose a run of another model.")
    return cast(DrawingMethod, load(folder))  # as its card says


def load_generative(folder: Folder) -> GenerativeMethod:
    method = MODELS[folder.run.model]
    if not method.draws:
        what = "no codes of images" if method.pictures else "no p(x|y,z), so it cannot draw"
        raise StoreError(f"{method.title} has {what}. Choose a run of another model.")
    return cast(GenerativeMethod, load(folder))  # as its card says


def known_classes(folder: Folder, classes: Sequence[int]) -> np.ndarray:
    spec, asked = DATASETS[folder.run.dataset], np.asarray(classes, np.int64)
    if not asked.size or asked.min() < 0 or asked.max() >= spec.n_classes:
        raise StoreError(f"{list(classes)} are not classes of {spec.title}. Choose from 0 to {spec.n_classes - 1}.")
    return asked


def pixels(folder: Folder, ids: Sequence[int]) -> np.ndarray:
    images_of, asked = data.load(folder.run.dataset), np.asarray(ids, np.int64)
    n, n_test = len(images_of.y), len(images_of.y_test)
    if asked.size > AT_ONCE:
        raise StoreError(f"{asked.size} images are too many for a page. Choose at most {AT_ONCE}.")
    if not asked.size or asked.min() < -n_test or asked.max() >= n:
        raise StoreError(
            f"{images_of.name} has no such image: training images are 0 to {n - 1}, test images -1 to {-n_test}."
        )
    return data.pixels(images_of, asked)
