"""What may be known of certainty-driven consistency without loading it."""

from dataclasses import replace

from data import Spec
from models.methods import notation as n
from models.methods import presets
from models.methods.mean_teacher.card import CARDS as TEACHER
from models.nn.settings import Settings


def settings(spec: Spec, preset: str) -> Settings:
    # Of the digits' validation images, 50 labels, three seeds: .941 with .2 left out, .911 with .5, .933 with none.
    return presets.consistent(spec, preset, 3.0, filtered=0.2)


(TEACHER_CARD,) = TEACHER
*SYMBOLS, DISTANCE = TEACHER_CARD.notation


CARDS = (
    replace(
        TEACHER_CARD,
        name="certainty",
        title="Certainty-driven",
        path="models.methods.certainty.model:Certainty",
        summary="A classifier that agrees with the average of its own weights, but only where that is certain.",
        family="No generative model. As in Mean Teacher the student is to say of an unlabelled image what its teacher, "
        "with the average of its weights, says of it; what the teacher is least certain of is left out.",
        notation=(
            *SYMBOLS,
            ("V(x)", "the teacher’s uncertainty: how its probabilities vary over views", "uncertainty, passes"),
            (r"\tau", "the V(x) above which the least certain share of a batch lies", "most, filtered"),
            (DISTANCE[0], "how far student and teacher are apart where the teacher is certain: no nats", DISTANCE[2]),
        ),
        pieces={"3J": n.CONSISTENT_PIECES},
        own_equations={"uncertainty": "How uncertain the teacher is"},
        settings=settings,
        reads=TEACHER_CARD.reads | {"filtered", "passes"},
        kinds=("images", "points"),
        paper="Li et al. 2019",
        source="Li, Liu & Tan, Certainty-driven consistency loss for semi-supervised learning, 2019",
        # Of images estimated, not measured: labels only times as many more passes of images as a step has (2026-11-30).
        seconds={"moons": 0.03, "digits": 1.1, "mnist": 50.0, "cifar10": 70.0},
    ),
)  # fmt: skip
