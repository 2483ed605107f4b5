"""The networks: their distributions are distributions, every parameter learns, and nothing looks where it must not."""

import copy
import json
import math
from collections import Counter
from dataclasses import replace
from unittest import mock

import numpy as np
import pytest
import torch
from jaxtyping import TypeCheckError
from safetensors.torch import load_file
from tiny import SHAPE, binary, every_binary_image, far, small_data, tiny
from torch import nn
from torch._subclasses import FakeTensorMode
from torch.distributions import Bernoulli, Categorical, Independent, Normal

import data
from data import DATASETS, POINT_SETS
from data.split import split
from models import IMAGE_MODELS, MODELS, TERMS, load_class
from models.methods.presets import PRESETS
from models.nn import distributions, networks
from models.nn import layers as nn_layers
from models.nn.augment import Augment
from models.nn.patch_features import learn_filters
from models.nn.settings import Settings
from models.runs.run import Run
from models.runs.store import Folder
from models.training.loop import train
from models.training.trainer import Trainer
from tests.kinds import LEARNERS, PAIRS

pytestmark = pytest.mark.usefixtures("small_backbones")
NETS = ("conv", "dense", "tuned")
# Fashion-MNIST and CIFAR-10 are of the shapes of MNIST and CIFAR-100, and all points are of one.
SHAPES = [name for name in DATASETS if name not in ("fashion-mnist", "cifar10", *list(POINT_SETS)[1:])]
LEARNING = [(model, dataset) for model, dataset in PAIRS if model in LEARNERS and dataset in SHAPES]
CPU = torch.device("cpu")


def built(model, dataset, preset, **settings):
    spec = DATASETS[dataset]
    s = replace(MODELS[model].settings(data.DATASETS[dataset], preset), **settings)
    network = load_class(model).build(spec.shape, spec.n_classes, s)
    learn_filters(network, torch.randint(256, (8, *spec.shape), dtype=torch.uint8))
    return network


def a_batch(dataset, n_l=4, n_u=3, device="cpu"):
    spec = DATASETS[dataset]
    y = torch.arange(n_l, device=device) * 7 % spec.n_classes
    return torch.rand(n_l, *spec.shape, device=device), y, torch.rand(n_u, *spec.shape, device=device)


# --- likelihoods are distributions


@pytest.mark.usefixtures("exactly")
def test_the_grey_likelihood_sums_to_one_over_every_binary_image():
    p_x = tiny("m2").p_x(torch.eye(3)[1], torch.tensor([0.3]))
    total = torch.logsumexp(p_x.log_prob(every_binary_image()), 0)
    torch.testing.assert_close(total, torch.tensor(0.0))


@pytest.mark.usefixtures("exactly")
def test_a_grey_level_is_scored_as_the_probability_of_white():
    """Between black and white, log p(x) is the mean of log p over pixels drawn white with probability x."""
    p_x = tiny("m2").p_x(torch.eye(3)[1], torch.tensor([0.3]))
    black, white = torch.zeros(SHAPE), torch.ones(SHAPE)
    torch.testing.assert_close(
        p_x.log_prob(torch.full(SHAPE, 0.3)), 0.7 * p_x.log_prob(black) + 0.3 * p_x.log_prob(white)
    )


@pytest.mark.usefixtures("exactly")
@pytest.mark.parametrize("log_scale", [[-2.0, -1.6, -1.0], [-30.0, -2.0, 0.0]], ids=["learned", "clamped"])
def test_the_colour_likelihood_integrates_to_one(log_scale):
    """Over the three values of one pixel, by a sum over 81^3 points; a sigma below half a grey level is held there."""
    body = nn.Linear(1, 3)
    p_x = distributions.ConditionalPixels(body, (3, 1, 1))
    with torch.no_grad():
        p_x.log_scale.copy_(torch.tensor(log_scale).view(3, 1, 1))
        q = p_x(torch.zeros(1))
        sigma = torch.tensor(log_scale).exp().clamp_min(1 / 510)
        step = 16 * sigma / 80
        axes = [q.mean.flatten()[i] + step[i] * torch.arange(-40, 41) for i in range(3)]
        x = torch.cartesian_prod(*axes).view(-1, 3, 1, 1)
        total = q.log_prob(x).exp().sum() * step.prod()
    torch.testing.assert_close(total, torch.tensor(1.0), atol=1e-8, rtol=0)
    assert ((q.mean > 0) & (q.mean < 1)).all()
    torch.testing.assert_close(q.stddev.flatten(), sigma)


@pytest.mark.usefixtures("exactly")
def test_the_colour_likelihood_is_the_independent_normal_it_replaces():
    """Values and gradients, with images that broadcast against classes."""
    mean = torch.rand(4, 5, 3, 6, 7, requires_grad=True)
    scale = (torch.rand(3, 1, 1) + 0.1).requires_grad_()
    x = torch.rand(5, 3, 6, 7)
    ours = distributions.ColourPixels(mean, scale)
    theirs = Independent(Normal(mean, scale.expand_as(mean)), 3)
    torch.testing.assert_close(ours.log_prob(x), theirs.log_prob(x))
    torch.testing.assert_close(ours.variance, theirs.variance)
    assert (ours.batch_shape, ours.event_shape) == (theirs.batch_shape, theirs.event_shape)
    gradients = [torch.autograd.grad(q.log_prob(x).sum(), [mean, scale]) for q in (ours, theirs)]
    torch.testing.assert_close(*gradients)


@pytest.mark.usefixtures("exactly")
@pytest.mark.parametrize("classes", [(), (4,), (2, 4)], ids=["images", "classes", "draws and classes"])
@pytest.mark.parametrize("side", [6, 300])
def test_the_grey_likelihood_is_the_independent_bernoulli_it_replaces(classes, side):
    """Values and gradients in logits and images, where classes lead and where not; rows may be long, logits extreme."""
    logits = (torch.randn(*classes, 5, 1, 3, side) * 20).requires_grad_()
    x = torch.rand(5, 1, 3, side, requires_grad=True)
    ours, theirs = distributions.GreyPixels(logits), Independent(Bernoulli(logits=logits, validate_args=False), 3)
    torch.testing.assert_close(ours.log_prob(x), theirs.log_prob(x))
    torch.testing.assert_close(ours.mean, theirs.mean)
    torch.testing.assert_close(ours.variance, theirs.variance)
    assert (ours.batch_shape, ours.event_shape) == (theirs.batch_shape, theirs.event_shape)
    weights = torch.randn(ours.batch_shape)
    gradients = [torch.autograd.grad((weights * q.log_prob(x)).sum(), [logits, x]) for q in (ours, theirs)]
    torch.testing.assert_close(*gradients)


@pytest.mark.usefixtures("exactly")
def test_the_grey_likelihood_takes_one_image_for_many_and_many_for_one():
    """As eq. 6 asks for (one x, every class) and as a mean image is scored against a batch."""
    logits, x = torch.randn(4, 1, 1, 3, 3, requires_grad=True), torch.rand(5, 1, 3, 3)
    ours, theirs = distributions.GreyPixels(logits), Independent(Bernoulli(logits=logits, validate_args=False), 3)
    for part in (x, x[:1], x[0]):
        torch.testing.assert_close(ours.log_prob(part), theirs.log_prob(part))
        gradients = [torch.autograd.grad(q.log_prob(part).sum(), logits) for q in (ours, theirs)]
        torch.testing.assert_close(*gradients)


def test_the_grey_likelihood_of_coarse_logits_is_summed_finely():
    """Logits in bfloat16, as autocast leaves them, with sums and images in float32; and none overflows."""
    logits = torch.cat([torch.randn(3, 5, 1, 28, 28) * 3, torch.full((1, 5, 1, 28, 28), 1e4)]).bfloat16()
    x = torch.rand(5, 1, 28, 28)
    x[0] = 1
    theirs = Independent(Bernoulli(logits=logits.double(), validate_args=False), 3).log_prob(x.double())
    ours = distributions.GreyPixels(logits.requires_grad_()).log_prob(x)
    assert ours.dtype == torch.float32
    torch.testing.assert_close(ours.double(), theirs, rtol=1e-5, atol=1e-2)
    (gradient,) = torch.autograd.grad(ours.sum(), logits)
    assert gradient.dtype == torch.bfloat16
    torch.testing.assert_close(gradient.float(), x - logits.detach().float().sigmoid(), rtol=2**-8, atol=1e-6)


def test_the_grey_likelihood_of_long_rows_does_not_underflow():
    logits, x = torch.zeros(2, 1, 3, 300), torch.rand(2, 1, 3, 300)
    torch.testing.assert_close(distributions.GreyPixels(logits).log_prob(x), torch.full((2,), -900 * math.log(2)))


@pytest.mark.usefixtures("exactly")
def test_the_mean_over_positions():
    h = torch.rand(2, 5, 3, 4)
    torch.testing.assert_close(nn_layers.MeanOverPositions()(h), h.flatten(2).mean(-1))


@pytest.mark.parametrize("p", [0.1, 0.5])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_dropout_leaves_out_a_share_and_scales_the_rest(p, dtype):
    torch.manual_seed(0)
    h = torch.rand(40, 32, 15, 13).add_(1).to(dtype).contiguous(memory_format=torch.channels_last).requires_grad_()
    drop = nn_layers.Dropout(p)
    out = drop(h)
    kept = out != 0
    assert kept.float().mean().item() == pytest.approx(1 - p, abs=0.005)
    torch.testing.assert_close(
        out, torch.where(kept, h / (1 - p), 0), rtol=2e-2 if dtype == torch.bfloat16 else 1e-4, atol=0
    )
    assert out.stride() == h.stride()
    out.sum().backward()
    assert torch.equal(h.grad != 0, kept)
    for axes in ((0, 1, 2), (0, 1, 3), (1, 2, 3), (0, 2, 3)):  # no axis sees it more or less than another
        share = kept.float().mean(axes)
        assert (share - (1 - p)).abs().max() < 5 * (p * (1 - p) * len(share) / kept.numel()) ** 0.5
    again = [kept.flatten()[i::4].float() for i in range(4)]  # the four values that share a draw
    assert np.abs(np.corrcoef(torch.stack(again).numpy()) - np.eye(4)).max() < 0.02
    assert not torch.equal(drop(h) != 0, kept)
    torch.manual_seed(0)
    torch.rand(40, 32, 15, 13)
    assert torch.equal(drop(h) != 0, kept)
    assert torch.equal(drop.eval()(h), h)
    assert drop.train()(h[:, ::2, 1:].detach()).shape == (40, 16, 14, 13)
    assert drop(torch.ones(())).shape == ()


@pytest.mark.usefixtures("exactly")
@pytest.mark.parametrize("shape", [(1, 4, 4), (3, 4, 4), (1, 5, 7)])
def test_pixels_keep_their_place(shape):
    """Value i of a dense body is pixel i, in rows; an image from a convolutional body stays as it is."""
    values = torch.randn(2, 5, math.prod(shape))
    flat = distributions.ConditionalPixels(nn.Identity(), shape)(values)
    image = distributions.ConditionalPixels(nn.Identity(), shape)(values.view(2, 5, *shape))
    assert flat.batch_shape == image.batch_shape == (2, 5)
    assert flat.event_shape == shape
    assert torch.equal(flat.mean, image.mean)
    assert torch.equal(flat.mean.flatten(-3), values.sigmoid())


@pytest.mark.usefixtures("exactly")
def test_priors_are_standard_normal_and_uniform():
    z = torch.tensor([[0.0, 0.0], [1.0, -2.0]])
    expected = -z.square().sum(-1) / 2 - math.log(2 * math.pi)
    torch.testing.assert_close(distributions.StandardNormal(2)().log_prob(z), expected)
    torch.testing.assert_close(distributions.Uniform(5)().probs, torch.full((5,), 0.2))


@pytest.mark.usefixtures("exactly")
def test_the_mean_of_distributions_is_the_mean_of_probabilities():
    logits = torch.randn(10, 4, 3) * 3
    mean = distributions.categorical_mean(Categorical(logits=logits))
    torch.testing.assert_close(mean.probs, logits.softmax(-1).mean(0))
    torch.testing.assert_close(mean.log_prob(torch.tensor([0, 1, 2, 0])).exp(), mean.probs[range(4), [0, 1, 2, 0]])


def test_one_hot_has_the_class_in_its_place():
    assert torch.equal(distributions.one_hot(torch.tensor([[2], [0]]), 3), torch.tensor([[[0.0, 0, 1]], [[1.0, 0, 0]]]))


# --- layers


@pytest.mark.usefixtures("exactly")
def test_a_first_layer_is_one_linear_layer_on_everything_side_by_side():
    first = nn_layers.FirstLayer((2, 3, nn_layers.pixels_of(SHAPE)), 5, bias=True)
    a, y, x = torch.randn(4, 2), torch.randn(4, 3), torch.randn(4, *SHAPE)
    weight = torch.cat([part.weight for part in first.parts], 1)
    biases = [part.bias for part in first.parts if part.bias is not None]
    assert len(biases) == 1
    expected = torch.cat([a, y, x.flatten(1)], 1) @ weight.T + biases[0]
    torch.testing.assert_close(first(a, y, x), expected)
    # It starts as nn.Linear over 21 inputs would: evenly between -1/sqrt(21) and 1/sqrt(21), in every part.
    many = nn_layers.FirstLayer((2, 3, nn_layers.pixels_of(SHAPE)), 2000, bias=True)
    for part in many.parts:
        assert 0.98 / math.sqrt(21) < part.weight.abs().max() < 1 / math.sqrt(21)


@pytest.mark.usefixtures("exactly")
@pytest.mark.parametrize("training", [False, True])
def test_leading_axes_broadcast_as_if_every_pair_were_written_out(training):
    dense = far(nn_layers.Dense((2, 3, nn_layers.pixels_of(SHAPE)), (6, 5), 4)).train(training)
    a, y, x = torch.randn(7, 2), torch.randn(3, 1, 3), torch.randn(7, *SHAPE)
    written_out = dense(a.expand(3, 7, 2), y.expand(3, 7, 3), x.expand(3, 7, *SHAPE))
    at_once = dense(a, y, x)
    assert at_once.shape == (3, 7, 4)
    torch.testing.assert_close(at_once, written_out)
    if not training:
        torch.testing.assert_close(at_once[2, 4], dense(a[4], y[2, 0], x[4]))


@pytest.mark.usefixtures("exactly")
@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("shape", [(1, 16, 16), (1, 28, 28), (3, 32, 32)])
def test_networks_on_images_take_any_leading_axes(net, shape):
    """encoders, classifiers and decoders: a (3, 2) block of inputs gives what each input gives alone."""
    s = Settings(net=net, width=4, hidden=(6, 6), n_z=2, n_a=2)
    x, y, z = torch.rand(3, 2, *shape), torch.eye(10)[:6].view(3, 2, 10), torch.randn(3, 2, 2)
    q_z, features = networks.encoder(shape, s)
    q_z_y, features_y = networks.encoder(shape, s, 10)
    q_y, features_q = networks.classifier(shape, s)
    q_y_a, features_a = networks.classifier_with_auxiliary(shape, s if net != "conv" else replace(s, net="dense"))
    p_x = distributions.ConditionalPixels(networks.decoder((10, 2), shape, s), shape)
    for network, inputs, size in (
        (q_z, (x,), (features,)),
        (q_z_y, (x, y), (features_y,)),
        (q_y, (x,), (features_q,)),
        (q_y_a, (z, x), (features_a,)),
        (lambda *given: p_x.eval()(*given).mean, (y, z), shape),
    ):
        if isinstance(network, nn.Module):
            far(network).eval()
        block = network(*inputs)
        assert block.shape == (3, 2, *size)
        for i, j in np.ndindex(3, 2):
            torch.testing.assert_close(block[i, j], network(*(g[i, j].unsqueeze(0) for g in inputs))[0])


@pytest.mark.usefixtures("exactly")
def test_the_class_reaches_kingmas_encoder_and_the_auxiliary_reaches_the_classifier():
    """Networks that look past one of their inputs would still pass every test of shapes."""
    shape, x = (1, 16, 16), torch.rand(2, 1, 16, 16)
    for net in NETS:
        s = Settings(net=net, width=4, hidden=(6, 6), n_z=2, n_a=2)
        body = far(networks.encoder(shape, s, 10)[0]).eval()
        assert (body(x, torch.eye(10)[[0, 0]]) - body(x, torch.eye(10)[[1, 1]])).abs().max() > 1e-6
        body = far(networks.classifier_with_auxiliary(shape, s)[0]).eval()
        assert (body(torch.zeros(2, 2), x) - body(torch.ones(2, 2), x)).abs().max() > 1e-6
        assert (body(torch.zeros(2, 2), x) - body(torch.zeros(2, 2), 1 - x)).abs().max() > 1e-6


def layers(module):
    return Counter(type(m).__name__ for m in module.modules())


def test_the_paper_preset_has_the_papers_layers():
    """3.1 to 3.3, counted."""
    for name in ("m1", "m2"):
        model = built(name, "mnist", "paper")
        q_z, p_x = layers(model.q_z), layers(model.p_x)
        # Three convolutions and two dense layers, the second of which has two halves: mean and log sigma.
        assert (q_z["Conv2d"], q_z["Linear"]) == (3, 1 + 2)
        assert q_z["BatchNorm2d"] + q_z["BatchNorm1d"] == 4
        assert q_z["Dropout"] >= 1
        # A dense layer, shared out among its inputs, and four transposed convolutions.
        assert (p_x["Linear"], p_x["ConvTranspose2d"], p_x["ReLU"]) == (2 if name == "m2" else 1, 4, 1 + 3)
    q_y = layers(model.q_y)
    assert (q_y["Conv2d"], q_y["MaxPool2d"], q_y["Linear"]) == (3, 2, 1)
    assert q_y["Dropout"] >= 1
    adgm = built("adgm", "mnist", "paper")
    for part, inputs, outputs in (("q_a", 1, 2), ("q_y", 2, 1), ("q_z", 3, 2), ("p_a", 3, 2), ("p_x", 2, 1)):
        found = layers(getattr(adgm, part))
        assert (found["ReLU"], found["Linear"], found["Conv2d"]) == (2, inputs + 1 + outputs, 0), part


# --- every parameter learns


@pytest.mark.slow
@pytest.mark.usefixtures("exactly")
@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize(("model", "dataset"), LEARNING)
def test_every_parameter_gets_a_gradient_above_rounding_noise(dataset, model, preset):
    """From J, on the real networks, in double precision, where noise is about 1e-16 of J's 1e3: a bias before a batch
    norm, which has noise and nothing else, would show."""
    network = built(model, dataset, preset).train()
    x_l, y_l, x_u = a_batch(dataset)
    network.J(x_l, y_l, x_u, 5.0).backward()
    largest = {name: 0.0 if p.grad is None else p.grad.abs().max().item() for name, p in network.named_parameters()}
    assert len(largest) > 5 or MODELS[model].frozen
    assert {name: g for name, g in largest.items() if not 1e-9 < g < math.inf} == {}


@pytest.mark.usefixtures("exactly")
@pytest.mark.parametrize("name", ["m1", "m2", "m2 with q(z|x,y)", "adgm", "supervised"])
def test_every_parameter_of_the_tiny_networks_gets_a_gradient(name):
    """Those of p(a|z,y,x) included, and those of Kingma's encoder."""
    model = tiny(name)
    model.J(binary(40), torch.arange(40) % 3, binary(40), 1.0).backward()
    for parameter, p in model.named_parameters():
        assert p.grad is not None, parameter
        assert 1e-12 < p.grad.abs().max() < math.inf, parameter


# --- on every device, in every precision


def check_everything(model, dataset, network, x_l, y_l, x_u):
    """Call all that a run, a page or a snapshot calls, and look at the shapes and the devices."""
    spec = DATASETS[dataset]
    terms = network.terms(x_l, y_l, x_u, 5.0)
    made = list(terms.values())
    assert all(t.shape == () for t in made)
    assert set(terms) <= set(TERMS)
    if model == "m1":
        assert network.decode(torch.zeros(2, network.n_z, device=x_l.device)).shape == (2, *spec.shape)
        network.class_loc = torch.zeros(spec.n_classes, network.n_z, device=x_l.device)
        network.class_scale = torch.ones_like(network.class_loc)
        made += network.with_copies(x_l, y_l)
    else:
        q_y = network.classify(x_l).probs
        assert q_y.shape == (len(x_l), spec.n_classes)
        made.append(q_y)
    codes = network.encode(x_l)
    assert tuple(codes) == MODELS[model].latents
    made += codes.values()
    if MODELS[model].draws:
        y, z = torch.arange(3, device=x_l.device).unsqueeze(-1), torch.zeros(2, network.n_z, device=x_l.device)
        drawn = network.generate(y, z)
        assert drawn.shape == (3, 2, *spec.shape)
        made.append(drawn)
    assert {t.device.type for t in made} == {x_l.device.type}


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize(("model", "dataset"), LEARNING)
def test_everything_runs_on_a_gpu_that_is_only_pretended(dataset, model, preset):
    """Shapes and devices are followed, nothing is computed: a tensor left behind on the CPU is an error.

    Every setting that takes another path is switched on. The forward pass only: a backward one asks for a real GPU.
    """
    with FakeTensorMode(), torch.device("cuda"):
        of_images = {} if DATASETS[dataset].points else {"augment": 1.0, "flip": True, "svm_copies": 2}
        network = built(model, dataset, preset, consistency=1.0, **of_images)
        check_everything(model, dataset, network, *a_batch(dataset, device="cuda"))
        assert {p.device.type for p in network.parameters()} == {"cuda"}


def test_the_pretended_gpu_sees_a_tensor_left_behind():
    with FakeTensorMode(), torch.device("cuda"):
        m2 = built("m2", "digits", "tuned")
        m2.p_y.zero = torch.zeros(10, device="cpu")
        with pytest.raises(RuntimeError, match="device"):
            m2.U(torch.rand(3, 1, 16, 16, device="cuda"))


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize(("model", "dataset"), PAIRS)
def test_every_preset_builds_for_every_data_set_and_can_be_written_down(dataset, model, preset):
    run = Run.make(dataset, model, preset=preset)
    assert Run.from_dict(json.loads(json.dumps(run.to_dict()))) == run
    with FakeTensorMode():
        network = built(model, dataset, preset)
        codes = network.encode(torch.rand(2, *DATASETS[dataset].shape))
    assert tuple(codes) == MODELS[model].latents
    assert all(len(of) == 2 for of in codes.values())


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("model", [name for name in IMAGE_MODELS if MODELS[name].draws])
def test_distributions_are_in_float32_under_autocast_and_the_objective_hardly_moves(model, preset):
    """bfloat16 has three digits: enough for a matrix product, too few for a log-probability."""
    torch.manual_seed(0)
    network = built(model, "digits", preset).eval()
    x_l, y_l, x_u = a_batch("digits", 20, 20)
    torch.manual_seed(1)
    exact = network.J(x_l, y_l, x_u, 1.0)
    with torch.autocast("cpu", torch.bfloat16):
        torch.manual_seed(1)
        coarse = network.J(x_l, y_l, x_u, 1.0)
        q_z, q_a = network.posterior(x_l, y_l), network.auxiliary_posterior(x_l)
        p_x = network.likelihood(y_l, torch.zeros(20, network.n_z))
    assert q_z.mean.dtype == q_z.stddev.dtype == p_x.mean.dtype == coarse.dtype == torch.float32
    assert q_a is None or q_a.mean.dtype == q_a.stddev.dtype == torch.float32
    torch.testing.assert_close(coarse, exact, rtol=0.01, atol=0)


@pytest.mark.usefixtures("exactly")
def test_signatures_are_checked_in_the_tests():
    """Else the names in models/nn/shapes.py would be mere decoration."""
    m2 = tiny("m2")
    with pytest.raises(TypeCheckError):
        m2.L(binary(4), torch.zeros(3, dtype=torch.long))
    with pytest.raises(TypeCheckError):
        m2.L(binary(4), torch.zeros(4))
    assert m2.L(binary(4), torch.zeros(3, 1, dtype=torch.long)).shape == (3, 4)


# --- random changes of an image


@pytest.mark.parametrize("shape", [(1, 16, 16), (3, 32, 32)])
@pytest.mark.parametrize("flip", [False, True])
def test_varied_images_keep_shape_and_range_and_differ(shape, flip):
    torch.manual_seed(0)
    x = torch.rand(50, *shape)
    varied = Augment(1.0, flip)(x)
    assert varied.shape == x.shape
    assert varied.dtype == x.dtype
    assert 0 <= varied.min() < varied.max() <= 1
    same = torch.full((50, *shape), 0.5)
    same[:, :, 5, 3] = 1
    assert len({tuple(image.flatten().tolist()) for image in Augment(1.0, flip)(same)}) == 50


def test_a_strength_of_zero_leaves_the_images_alone():
    x = torch.rand(5, 1, 16, 16)
    assert torch.equal(Augment(0.0)(x), x)


def chances(**faces):
    """Random numbers in the middle, which change nothing, but for the named one of the six."""
    names = ("turn", "size_x", "size_y", "shear", "right", "down")

    def rand(*size, device=None):
        numbers = torch.full(size, 0.5)
        for name, face in faces.items():
            numbers[names.index(name)] = face
        return numbers

    return mock.patch("torch.rand", rand)


def peak(image):
    """Row and column of the brightest pixel."""
    return divmod(image.argmax().item(), image.shape[1])


@pytest.mark.parametrize("strength", [1.0, 0.5])
def test_images_move_by_an_eighth_of_their_side_at_most(strength):
    """16 pixels: two of them at full strength, one at half."""
    x = torch.zeros(1, 1, 16, 16)
    x[0, 0, 8, 8] = 1
    by = round(2 * strength)
    for name, where in (("right", (8, 8 - by)), ("down", (8 - by, 8))):
        with chances(**{name: 1.0}):
            moved = Augment(strength)(x)
        assert peak(moved[0, 0]) == where
        torch.testing.assert_close(moved.sum(), torch.tensor(1.0), atol=1e-4, rtol=0)
    with chances():
        torch.testing.assert_close(Augment(strength)(x), x, atol=1e-5, rtol=0)


def test_images_turn_by_15_degrees_at_most_and_keep_their_middle():
    x = torch.zeros(1, 1, 65, 65)
    x[0, 0, 32, 32] = x[0, 0, 32, 60] = 1  # the middle, and 28 to the right of it
    with chances(turn=1.0):
        turned = Augment(1.0)(x)[0, 0]
    assert turned[32, 32] > 0.9
    turned[32, 32] = 0
    row, column = peak(turned)
    assert abs(abs(math.degrees(math.atan2(32 - row, column - 32))) - 15) < 1.5
    assert abs(math.hypot(row - 32, column - 32) - 28) < 1


def test_a_mirror_is_used_on_half_the_images_and_only_where_it_is_allowed():
    x = torch.zeros(400, 1, 16, 16)
    x[:, 0, 8, 2] = 1
    torch.manual_seed(0)
    for flip, low, high in ((True, 150, 250), (False, 0, 0)):  # five standard errors of 200 are 50
        right_side = Augment(0.3, flip)(x)[..., 8:].sum((1, 2, 3)) > 0.3
        assert low <= right_side.sum() <= high


def test_colours_change_within_their_bounds_and_the_picture_stays():
    torch.manual_seed(0)
    x = torch.rand(200, 3, 8, 8)
    changed = Augment(0.0, color_jitter=1.0)(x)
    level, level_before = changed.mean((1, 2, 3)), x.mean((1, 2, 3))
    assert 0.05 < (level - level_before).abs().max() <= 0.13 + 1e-5  # brightness, and the tints of three channels
    # Grey is a linear function of what was grey: contrast and brightness alone, the same all over an image.
    grey, before = changed.mean(1).flatten(1), x.mean(1).flatten(1)
    contrast = (grey - grey.mean(1, keepdim=True)).std(1) / before.std(1)
    assert 0.5 - 1e-4 <= contrast.min() < 0.6
    assert 1.4 < contrast.max() <= 1.5 + 1e-4
    correlation = torch.stack([torch.corrcoef(torch.stack(pair))[0, 1] for pair in zip(grey, before, strict=True)])
    assert correlation.min() > 0.9999
    apart = (changed - changed.mean(1, keepdim=True)).std((1, 2, 3)) / (x - x.mean(1, keepdim=True)).std((1, 2, 3))
    assert apart.min() < 0.4 * contrast.max()  # saturation times 0.4, contrast times 0.5
    torch.testing.assert_close(Augment(0.0, color_jitter=1e-6)(x), x, atol=1e-5, rtol=0)


def test_a_square_hides_its_share_of_the_image_anywhere():
    torch.manual_seed(0)
    x = torch.rand(500, 3, 16, 16) / 4
    covered = Augment(0.0, cutout=0.5)(x)
    hidden = (covered != x).any(1)
    assert torch.equal(covered != x, hidden.unsqueeze(1).expand_as(x))  # all channels at once
    assert (covered[(covered != x)] == 0.5).all()
    sides = hidden.any(1).sum(1), hidden.any(2).sum(1)
    assert torch.equal(hidden.sum((1, 2)), sides[0] * sides[1])  # a rectangle
    assert max(s.max() for s in sides) == 8
    assert min(s.min() for s in sides) >= 4  # half of it may lie outside
    assert hidden.any(0).all()


# --- training: what it may know, and that looking at it does not change it

QUICK = {"hidden": (16, 16), "width": 4, "n_z": 3, "n_a": 3, "batch_l": 10, "batch_u": 20, "bf16": False}


IMAGES = {"augment": 0.5, "svm_copies": 1}  # settings that points do not have
TRAINED = [(model, "digits") for model in IMAGE_MODELS] + [
    (model, "moons-n120") for model, card in MODELS.items() if "points" in card.kinds
]


def quick_run(model, preset="tuned", dataset="digits", **settings):
    run = Run.make(dataset, model, labels=20, epochs=2, preset=preset, device="cpu")
    changes = {**QUICK, **settings, **({} if DATASETS[dataset].points else IMAGES)}
    return replace(run, settings=replace(run.settings, **changes))


def small(dataset):
    return small_data() if dataset == "digits" else data.load(dataset)


def learned(run, images, tmp_path, monkeypatch):
    """All records of a run but for their times, and every tensor that it left behind."""
    monkeypatch.setattr(data, "load", lambda name: images)
    monkeypatch.setattr("models.training.loop.EVERY", 0)  # every step is a record
    folder = Folder.create(run, tmp_path)
    told = [r for r in train(run, folder) if r["kind"] != "prepare"]  # features are computed once for both
    records = [{k: v for k, v in r.items() if "second" not in k and k != "run"} for r in told]
    tensors = {}
    for path in sorted(folder.path.rglob("*.safetensors")):
        tensors |= {f"{path.relative_to(folder.path)}:{k}": t for k, t in load_file(path).items()}
    pictures = [path.read_bytes() for path in sorted(folder.path.rglob("*.png"))]
    return records, tensors, pictures


@pytest.mark.parametrize(("model", "dataset"), TRAINED)
def test_changing_hidden_labels_changes_nothing(model, dataset, tmp_path, monkeypatch):
    """Data sets that differ in the labels of unlabelled images alone give the same records, weights and pictures."""
    images, classes = small(dataset), DATASETS[dataset].n_classes
    run = quick_run(model, dataset=dataset, consistency=1.0, threshold=0.0, ema=0.9)
    at = split(images, run.labels, run.seed).labelled
    order = data.images.draw_order(len(images.y), run.seed)
    after = max(np.flatnonzero(np.isin(order, at)))  # of later ones the draw of the labelled does not depend
    hidden = order[after + 1 :]
    assert len(hidden) > 40
    y = images.y.copy()
    y[hidden] = (y[hidden] + 1 + np.arange(len(hidden)) % (classes - 1)) % classes
    other = replace(images, y=y)
    assert np.array_equal(split(other, run.labels, run.seed).labelled, at)

    one = learned(run, images, tmp_path / "1", monkeypatch)
    two = learned(run, other, tmp_path / "2", monkeypatch)
    assert [r["kind"] for r in one[0]].count("step") >= 10 or model not in LEARNERS
    assert one[0] == two[0]
    assert one[1].keys() == two[1].keys()
    assert all(torch.equal(t, two[1][name]) for name, t in one[1].items())
    assert one[2] == two[2]

    y = images.y.copy()
    y[at[:2]] = (y[at[:2]] + 1) % classes
    if model == "m1":  # only its SVM may know
        y[at] = np.roll(images.y[at], 2)
    relabelled = split(images, run.labels, run.seed)
    relabelled = replace(relabelled, y_l=y[relabelled.labelled])
    monkeypatch.setattr("models.training.loop.split_of_run", lambda *_: relabelled)
    three = learned(run, images, tmp_path / "3", monkeypatch)
    assert three[0] != one[0]  # labels that are not hidden do matter


@pytest.mark.parametrize(("model", "dataset"), TRAINED)
def test_alpha_is_beta_times_all_images_over_labelled_ones(model, dataset):
    """Below eq. 23, from what the run really has: 20 labelled and 100 unlabelled images."""
    run = quick_run(model, dataset=dataset, beta=0.3)
    trainer = Trainer(run, split(small(dataset), 20, 0), CPU)
    assert trainer.alpha == pytest.approx(0.3 * (20 + 100) / 20)
    seen = []
    terms = trainer.model.terms
    trainer.model.terms = lambda x_l, y_l, x_u, alpha: seen.append(alpha) or terms(x_l, y_l, x_u, alpha)
    trainer.step(0, 10)
    assert seen == [trainer.alpha]


def state_of(trainer):
    state = {f"model.{k}": v.clone() for k, v in trainer.model.state_dict().items()}
    state |= {f"averaged.{k}": v.clone() for k, v in trainer.averaged.state_dict().items()}
    for i, memory in trainer.optimizer.state_dict()["state"].items():
        state |= {f"optimizer.{i}.{k}": torch.as_tensor(v).clone() for k, v in memory.items()}
    return state | {"rng_state": torch.get_rng_state()}


@pytest.mark.parametrize("ema", [0.0, 0.9])
@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize(("model", "dataset"), TRAINED)
def test_looking_at_a_model_does_not_change_how_it_learns(model, dataset, preset, ema, tmp_path):
    """Evaluation and snapshots leave weights, batch norm's figures, the optimiser and the RNG state alone."""
    images = small(dataset)
    run = quick_run(model, preset, dataset, ema=ema, dropout=0.1)
    ends = []
    for looks in (False, True):
        torch.manual_seed(0)
        trainer = Trainer(run, split(images, 20, 0), CPU)
        for step in range(4):
            if looks:
                before = state_of(trainer)
                trainer.evaluate()
                trainer.keep(tmp_path, step, images, final=step == 3)
                trainer.extras()
                after = state_of(trainer)
                assert before.keys() == after.keys()
                assert [k for k in before if not torch.equal(before[k], after[k])] == []
            trainer.step(step, 4)
        ends.append(state_of(trainer))
    assert [k for k in ends[0] if not torch.equal(ends[0][k], ends[1][k])] == []
    start = copy.deepcopy(ends[0])
    trainer.step(3, 4)
    moved = any(not torch.equal(start[k], v) for k, v in state_of(trainer).items())
    assert moved or model not in LEARNERS  # steps do change it
