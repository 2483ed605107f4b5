"""A method is one folder and one line: a made-up one is found by the real worker and shown on every page."""

import copied
import pytest

CARD = '''
"""What may be known of a made-up method without loading it."""

from models.methods import notation as n
from models.methods import presets
from models.methods.card import Card, Graph


def settings(spec, preset):
    return presets.tuned(spec, large={"width": 4})


CARDS = (
    Card(
        name="made-up",
        title="Made-up teacher",
        path="models.methods.made_up.model:MadeUp",
        summary="A classifier that agrees with the average of its own weights.",
        family="No generative model: a network says the class, and its averaged weights teach it.",
        factorisation=("q(y|x)",),
        graphs=(Graph("Classifier q", "x gives y", {"x": (68, 98), "y": (168, 98)}, (("x", "y"),), "φ", ("y",)),),
        notation=(n.ONE_X, n.Y, ("q(y|x)", "the classifier", "q_y"), n.ALPHA),
        terms=n.CLASSIFICATION | {"teacher": "distance from the teacher, unlabelled"},
        pieces={"1": ((r"\\log q(y|x)", "classification"),)},
        settings=settings,
        epochs=lambda spec, preset: 1,
        reads=presets.TRAINING | presets.NETWORKS | presets.CLASSIFIER | {"consistency"},
        spaces={"h": "h is the last hidden layer of the made-up classifier."},
        classifier_is="made up",
    ),
)
'''
MODEL = '''
"""A made-up method: its averaged weights teach it.

    q(y|x)
"""

import torch
from torch.distributions import Categorical

from models.methods.equation import equation
from models.methods.method import Method
from models.nn import distributions, networks
from models.nn.augment import Augment


class MadeUp(Method):
    def __init__(self, q_y, s):
        super().__init__()
        self.settings = s
        self.q_y = q_y
        self.augment = Augment.of(s)
        self.register_buffer("steps", torch.zeros(()))

    @classmethod
    def build(cls, shape, n_y, s):
        body, size = networks.classifier(shape, s)
        return cls(distributions.ConditionalCategorical(body, size, n_y), s)

    def before_training(self, averaged):
        self.__dict__["teacher"] = averaged  # not a part of this module: its weights are the trainer's

    def after_step(self, averaged):
        self.steps += 1
        assert averaged is self.teacher

    @equation("eq. 1", r"-\\log q(y|x)")
    def classification(self, x, y, alpha):
        """Cross-entropy."""
        return -alpha * self.q_y(self.augment(x)).log_prob(y)

    def distance(self, x):
        teacher = self.__dict__.get("teacher", self)
        with torch.no_grad():
            target = teacher.q_y(self.augment(x)).probs
        return (self.q_y(self.augment(x)).probs - target).square().sum(-1)

    def terms(self, x_l, y_l, x_u, alpha):
        return {"classification": self.classification(x_l, y_l, alpha).mean(), "teacher": self.distance(x_u).mean()}

    def label_cost(self, x, y, alpha):
        return self.classification(x, y, alpha)

    def unlabelled_costs(self, x, q_y, alpha, batch):
        return {"teacher": self.distance(x)}

    def classify(self, x):
        return self.q_y(x)

    def encode(self, x):
        return {"h": self.q_y.body(x)}

    def extra_results(self, x_l, y_l, x_test, y_test):
        return {"teacher_steps": float(self.steps)}
'''
SCRIPT = (
    copied.PAGES
    + """
folder = trained(Run.make("digits", "made-up", labels=20, epochs=2))
result = folder.result()
assert 0 <= result["test_accuracy"] <= 1 and result["labels"] == 20
assert {"classification", "teacher"} == set(folder.records()[0][-2]["terms"]), folder.records()[0][-2]
for state in ("queued", "running", "failed", "stopped", "done"):
    fake_runs.make(runs_root(), state, model="made-up", epochs=2, labels=20)
other = fake_runs.make(runs_root(), "done", model="m2", epochs=2, labels=20)
shown = {}
others = sorted(f.name for f in runs_root().iterdir() if f.name.startswith("made-up") and f.name != folder.id)
for page, run in zip(ALL, itertools.cycle(others)):
    visit(page, run=run, runs=f"{run},{other.id}", model="made-up")
    shown[page] = text(visit(page, run=folder.id, runs=f"{folder.id},{other.id}", model="made-up"))
for page in ("app.py", "pages/train.py", "pages/compare.py", "pages/equations.py", "pages/uncertainty.py"):
    assert "Made-up teacher" in shown[page], page
assert "distance from the teacher" in shown["pages/equations.py"]
assert "so cannot draw one" in shown["pages/generate.py"]
assert "last hidden layer of the made-up classifier" in shown["pages/latent.py"]
"""
)


@pytest.mark.slow
def test_a_method_is_one_folder_and_one_line(tmp_path):
    root = copied.copy(tmp_path / "project")
    (root / "models/methods/made_up").mkdir()
    (root / "models/methods/made_up/__init__.py").write_text('"""A made-up method."""\n')
    (root / "models/methods/made_up/card.py").write_text(CARD)
    (root / "models/methods/made_up/model.py").write_text(MODEL)
    copied.one_line(root / "models/__init__.py", '    "frozen",', '    "made_up",')
    copied.run(root, SCRIPT, tmp_path / "runs")
