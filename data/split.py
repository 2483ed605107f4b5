"""Which training images keep their labels. A model is handed a Split and nothing else."""

import operator
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from data.images import DataError, Images, draw_order

MAX_VALIDATION = 1000  # enough to choose a hyper-parameter by, and no more labels than that


@dataclass(frozen=True, eq=False)
class Split:
    """The images a run may see. There is no `y_u`: the labels of unlabelled images cannot be reached from here.

    x_l uint8 (n_l, c, h, w), y_l int64 (n_l,): the labelled images, class by class; then those somebody gave a label.
    x_u uint8 (n_u, c, h, w): every other training image.
    x_test, y_test: the test set; or the validation images, when some were asked for.
    labelled (n_l,), unlabelled (n_u,): int64, where the rows of x_l and x_u stand in `Images.x`.
    """

    x_l: np.ndarray
    y_l: np.ndarray
    x_u: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    labelled: np.ndarray
    unlabelled: np.ndarray
    classes: tuple[str, ...]
    shape: tuple[int, int, int]


Given = Sequence[tuple[int, int]]  # training images and the class that somebody says each has


def split(images: Images, labels: int, seed: int, validation: int = 0, given: Given = ()) -> Split:
    """Give `labels` training images their labels, the same number in each class, and hide all the others.

    The seed decides which. For one seed a larger budget contains the smaller one, so that budgets can be compared.
    With `validation`, that many training images without a label stand in for the test set and leave x_u. It is there
    to choose hyper-parameters without looking at the test set.
    `given` are more labels, each what somebody said and not what the data set says: (training image, class).

    Raises DataError when the labels cannot be shared equally, are too many, the seed is not a whole number, or a given
    label cannot be.
    """
    labelled, unlabelled, held_out = draw(images, labels, seed, validation, given)
    x_test, y_test = images.x_test, images.y_test
    if validation:
        x_test, y_test = images.x[held_out], images.y[held_out]
    drawn = labelled[: len(labelled) - len(given)]
    return Split(
        x_l=images.x[labelled],
        y_l=np.concatenate([images.y[drawn], np.array([k for _, k in given], np.int64)]),
        x_u=images.x[unlabelled],
        x_test=x_test,
        y_test=y_test,
        labelled=labelled,
        unlabelled=unlabelled,
        classes=images.classes,
        shape=images.shape,
    )


def draw(
    images: Images, labels: int, seed: int, validation: int = 0, given: Given = ()
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Only the indices of a split: labelled (class by class, then those given), unlabelled and validation, int64 each.

    Cheap where `split` would copy the images; for pages that only show which images keep their labels.
    """
    n_classes = len(images.classes)
    labels, seed, validation = whole(labels, "labels"), whole(seed, "seed"), whole(validation, "validation")
    if images.labelled is None:
        check_labels(images, labels)
    elif labels != len(images.labelled):
        raise DataError(f"{images.name} has {len(images.labelled)} labels, not {labels:,}. Choose as many.")
    if not 0 <= validation <= MAX_VALIDATION:
        raise DataError(f"{validation:,} validation {images.noun()} are not allowed. Choose 0 to {MAX_VALIDATION:,}.")
    left = len(images.y) - labels - 1
    if validation > left:
        raise DataError(
            f"{validation:,} validation {images.noun()} leave no {images.noun(1)} unlabelled in {images.name}. "
            f"Choose at most {left:,}."
        )

    order = draw_order(len(images.y), seed)
    y = images.y[order]
    each = labels // n_classes
    labelled = images.labelled
    if labelled is None:
        labelled = np.concatenate([order[y == k][:each] for k in range(n_classes)])
    rest = order[~np.isin(order, labelled)]
    n = len(rest) - validation
    unlabelled, held_out = np.sort(rest[:n]), rest[n:]  # which are held out does not depend on the labels given
    check_given(images, given, labelled, held_out)
    more = np.array([i for i, _ in given], np.int64)
    return np.concatenate([labelled, more]), unlabelled[~np.isin(unlabelled, more)], held_out


def check_given(images: Images, given: Given, labelled: np.ndarray, held_out: np.ndarray) -> None:
    """Raise DataError unless every given label names another unlabelled training image and a class there is."""
    n, classes = len(images.y), images.classes
    has_label, is_held_out, seen = set(labelled.tolist()), set(held_out.tolist()), set()
    for i, k in given:
        i, k = operator.index(i), operator.index(k)
        if i < 0:
            raise DataError(f"Test image {-1 - i} cannot be given a label: nothing may be learned from a test image.")
        if i >= n:
            raise DataError(
                f"{images.name} has no training image {i}. Give labels to training images from 0 to {n - 1}."
            )
        if not 0 <= k < len(classes):
            raise DataError(
                f"Training image {i} was given the class {k}, which there is none of. Choose 0 to {len(classes) - 1}."
            )
        if i in has_label:
            raise DataError(f"Training image {i} has its label already. Give labels to images that have none.")
        if i in is_held_out:
            raise DataError(f"Training image {i} is held out for validation, so it can have no label.")
        if i in seen:
            raise DataError(f"Training image {i} was given a label twice. Keep one of the two.")
        seen.add(i)
    if given and len(seen) >= n - len(labelled) - len(held_out):
        raise DataError(f"{len(seen):,} given labels leave no image of {images.name} unlabelled. Give fewer.")


def most_labels(images: Images) -> int:
    """The largest number of labels that can be shared equally and still leaves an image unlabelled."""
    n_classes = len(images.classes)
    most = n_classes * int(np.bincount(images.y, minlength=n_classes).min())
    return most - n_classes if most == len(images.y) else most


def check_labels(images: Images, labels: int) -> None:
    """Raise DataError unless `labels` can be shared equally by the classes of `images`."""
    n_classes, most = len(images.classes), most_labels(images)
    if labels < 1:
        raise DataError(
            f"{labels:,} labels are too few: each of the {n_classes} classes needs at least one. "
            f"Choose a multiple of {n_classes}, such as {n_classes}."
        )
    if labels > most:
        raise DataError(
            f"{labels:,} labels are too many for {images.name}: shared equally by {n_classes} classes, "
            f"and with one {images.noun(1)} left unlabelled, there can be {most:,}. Choose at most {most:,}."
        )
    if labels % n_classes:
        near = max(n_classes, labels - labels % n_classes)
        raise DataError(
            f"{labels:,} labels cannot be shared equally by {n_classes} classes. "
            f"Choose a multiple of {n_classes}, such as {near:,}."
        )


def whole(value: int, what: str) -> int:
    """`value` as an int, if it is a whole number from 0 up (labels may be negative: they get a better sentence)."""
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or (number < 0 and what == "seed"):
        raise DataError(f"The {what} must be a whole number from 0 up, not {value!r}.")
    return number
