"""M1's support vector machine, beside scikit-learn's own kernel, and what the settings of a run make of it."""

from dataclasses import replace

import numpy as np
import torch
from scipy.special import log_softmax
from sklearn.svm import SVC
from tiny import CLASSES, binary, tiny

from models.methods.m1.svm import SVM


def test_a_weighed_machine_is_the_plain_one_on_codes_times_their_spread():
    rng = np.random.default_rng(0)
    y = np.arange(60) % 3
    z = rng.normal(size=(60, 4)).astype(np.float32) * [3.0, 1.0, 0.3, 0.01] + y[:, None]
    new = rng.normal(size=(20, 4)).astype(np.float32) + 1
    for weights, weighed in ((np.ones(4), False), (z[:40].std(0), True)):
        for C in (0.3, 10.0):
            ours = SVM(z, y, 3, 40, C, weighed)
            theirs = SVC(C=C, gamma="scale", break_ties=True).fit(z * weights, y)
            np.testing.assert_allclose(ours.scores(new), theirs.decision_function(new * weights), atol=1e-3)
    assert not np.allclose(SVM(z, y, 3, 40, 0.3).scores(new), SVM(z, y, 3, 40, 10.0).scores(new), atol=0.01)
    both = (ours.scores(new) + ours.scores(-new)) / 2
    np.testing.assert_allclose(ours.log_prob(new, -new), log_softmax(both / ours.temperature, axis=1), atol=1e-6)


def test_the_temperature_is_that_of_the_machine_in_use():
    """Held-out images are scored by machines of the same C."""
    rng = np.random.default_rng(0)
    y = np.arange(60) % 3
    z = (rng.normal(size=(60, 4)) + y[:, None]).astype(np.float32)
    assert abs(SVM(z, y, 3, C=0.3).temperature - SVM(z, y, 3, C=10.0).temperature) > 0.01


@torch.no_grad()
def test_m1_reads_an_image_with_its_mirror_image_where_the_settings_say_so():
    torch.manual_seed(0)
    m1 = tiny("m1", svm_mirrored=True)
    x, y = binary(30), torch.arange(30) % CLASSES
    m1.fit(x, y)
    torch.testing.assert_close(m1.classify(x).probs, m1.classify(x.flip(-1)).probs)
    pixels = m1.pixel_accuracy(x, y, x, y)
    m1.settings = replace(m1.settings, svm_mirrored=False)
    assert (m1.classify(x).probs - m1.classify(x.flip(-1)).probs).abs().max() > 0.01
    assert m1.pixel_accuracy(x, y, x, y) > pixels  # alone it knows by heart what it was fitted on


def test_m1s_machine_is_that_of_its_settings():
    m1 = tiny("m1", svm_c=0.3, svm_weighed=True)
    rng = np.random.default_rng(0)
    y = np.arange(60) % CLASSES
    z = (rng.normal(size=(60, 4)) * [3.0, 1.0, 0.3, 0.01] + y[:, None]).astype(np.float32)
    m1.set_svm(z, y, 40)
    scores = m1.svm.scores(z)
    np.testing.assert_array_equal(scores, SVM(z, y, CLASSES, 40, 0.3, True).scores(z))
    for other in (SVM(z, y, CLASSES, 40, 0.3), SVM(z, y, CLASSES, 40, weighed=True)):
        assert np.abs(scores - other.scores(z)).max() > 0.01
