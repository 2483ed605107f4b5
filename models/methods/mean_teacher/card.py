"""What may be known of Mean Teacher without loading it."""

from dataclasses import replace

from data import Spec
from models.methods import notation as n
from models.methods import presets
from models.methods.card import CLASSIFIER, Card
from models.nn.settings import Settings


def settings(spec: Spec, preset: str) -> Settings:
    return presets.consistent(spec, preset, 3.0)


CARDS = (
    Card(
        name="mean-teacher",
        title="Mean Teacher",
        path="models.methods.mean_teacher.model:MeanTeacher",
        summary="A classifier that agrees, on images without labels, with the average of its own weights.",
        family="No generative model. The student learns from the labels, and is to say of an unlabelled image what its "
        "teacher says of it under another augmentation. The teacher has the average of the student’s weights so far.",
        factorisation=("q(y|x)", r"\bar q(y|x)"),
        graphs=(
            replace(CLASSIFIER, title="Student q"),
            replace(CLASSIFIER, title="Teacher q̄", says="x gives y, with averaged weights", weights="φ̄"),
        ),
        notation=(
            *n.CONSISTENT,
            (r"\bar q(y|x)", "the teacher: the same network with the average of all weights so far", "teacher, ema"),
            ("d(x)", "how far student and teacher are apart: a squared distance, no nats", "consistency"),
        ),
        terms=n.CLASSIFICATION | n.ONE_CONSISTENCY | n.CONTRASTIVE,
        pieces={"2J": n.CONSISTENT_PIECES},
        settings=settings,
        epochs=lambda spec, preset: presets.epochs(spec, preset, presets.CLASSIFIER_EPOCHS),
        reads=presets.TRAINING | presets.NETWORKS | presets.CLASSIFIER | presets.CONSISTENCY,
        spaces={"h": n.HIDDEN},
        classifier_is="the teacher",
        kinds=("images", "points", "features"),
        paper="Tarvainen & Valpola 2017",
        source="Tarvainen & Valpola, Mean teachers are better role models, 2017",
        in_nats=False,
        # Of images estimated, not measured: labels only times as many more passes of images as a step has (2026-11-30).
        seconds={"moons": 0.025, "digits": 0.8, "mnist": 33.0, "cifar10": 48.0},
    ),
)  # fmt: skip
