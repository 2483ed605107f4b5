"""Pretrained networks that turn an image into features, frozen: nothing in them learns.

    h(x) = the mean over positions of the last feature maps       (the global average pooling of 3.4)

What makes them fast on a CPU and leaves what they compute as it is: each batch norm is folded into its convolution,
channels come last, few images at a time stay near the processor, and bfloat16 where the hardware gains from it.
"""

import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pickle import UnpicklingError
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from data.images import DataError
from models.nn import pretrained_weights, timm_weights
from models.nn.device import bf16_pays

Level = float | tuple[float, ...]


@dataclass(frozen=True)
class Backbone:
    """How a network wants its images, and how many features it gives."""

    network: Callable[[], nn.Module]  # all that the file of its weights has; see `trunk`
    features: int
    side: int  # pixels
    mode: str  # of the interpolation
    level: tuple[Level, Level]  # (a, b) of all or each colour: a level x, 0 to 255, goes in as (x - a) / b


class Same(nn.Conv2d):
    """A convolution padded as TensorFlow's "SAME" pads: the odd pixel goes to the right and below."""

    def forward(self, x: Tensor) -> Tensor:
        k, s = self.kernel_size[0], self.stride[0]
        sides = []
        for n in (x.shape[-1], x.shape[-2]):
            missing = max((math.ceil(n / s) - 1) * s + k - n, 0)
            sides += [missing // 2, missing - missing // 2]
        if len(set(sides)) == 1:  # the convolution pads by itself, without a copy
            return F.conv2d(x, self.weight, self.bias, s, sides[0], 1, self.groups)
        return F.conv2d(F.pad(x, sides), self.weight, self.bias, s, 0, 1, self.groups)


def norm(size: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(size, eps=1e-3)


class Inverted(nn.Module):
    """An inverted residual: to many channels, over the plane one channel at a time, back to few; ReLU6 between."""

    def __init__(self, channels: int, out: int, expand: int, kernel: int, stride: int) -> None:
        super().__init__()
        wide = channels * expand
        self.expands, self.skips = expand > 1, stride == 1 and channels == out
        if self.expands:
            self.expand_conv = Same(channels, wide, 1, bias=False)
            self.bn0 = norm(wide)
        self.depthwise_conv = Same(wide, wide, kernel, stride, groups=wide, bias=False)
        self.bn1 = norm(wide)
        self.project_conv = Same(wide, out, 1, bias=False)
        self.bn2 = norm(out)

    def forward(self, x: Tensor) -> Tensor:
        h = F.relu6(self.bn0(self.expand_conv(x)), inplace=True) if self.expands else x
        h = F.relu6(self.bn1(self.depthwise_conv(h)), inplace=True)
        h = self.bn2(self.project_conv(h))
        return h + x if self.skips else h


class EfficientNetLite(nn.Module):
    """EfficientNet-Lite: EfficientNet-B0 (Tan & Le, ICML 2019, arXiv:1905.11946, table 1), made deeper and wider as
    there, without squeeze-and-excite, with ReLU6 in place of SiLU; stem, head, first and last stage grow no deeper.
    Its parts are called as in the file of its weights, without the leading underscores.
    """

    STAGES = (  # expansion, kernel, stride of the first, channels, how many
        (1, 3, 1, 16, 1), (6, 3, 2, 24, 2), (6, 5, 2, 40, 2), (6, 3, 2, 80, 3), (6, 5, 1, 112, 3), (6, 5, 2, 192, 4),
        (6, 3, 1, 320, 1),
    )  # fmt: skip

    def __init__(self, wider: float = 1.0, deeper: float = 1.0) -> None:
        super().__init__()
        self.conv_stem = Same(3, 32, 3, 2, bias=False)
        self.bn0 = norm(32)
        blocks, channels, last = [], 32, len(self.STAGES) - 1
        for stage, (expand, kernel, stride, out, n) in enumerate(self.STAGES):
            out = in_eights(wider * out)
            for i in range(n if stage in (0, last) else math.ceil(deeper * n)):
                blocks.append(Inverted(channels, out, expand, kernel, stride if i == 0 else 1))
                channels = out
        self.blocks = nn.Sequential(*blocks)
        self.conv_head = Same(channels, 1280, 1, bias=False)
        self.bn1 = norm(1280)
        self.fc = nn.Linear(1280, 1000)  # ImageNet's classes; in the file, and of use to prove that it was read right

    def forward(self, x: Tensor) -> Tensor:
        h = F.relu6(self.bn0(self.conv_stem(x)), inplace=True)
        return F.relu6(self.bn1(self.conv_head(self.blocks(h))), inplace=True)


def in_eights(channels: float) -> int:
    """So many channels to the nearest multiple of 8, but not below nine tenths."""
    near = max(8, int(channels + 4) // 8 * 8)
    return near + 8 if near < 0.9 * channels else near


def inception_v3() -> nn.Module:
    """torchvision's Inception v3 (Szegedy et al., CVPR 2016, arXiv:1512.00567), whole, with random weights."""
    from torchvision.models import inception_v3  # half a second that only these methods need

    return inception_v3(weights=None, init_weights=False)


def trunk(network: nn.Module) -> nn.Module:
    """What leads to the last feature maps. Of Inception: all that stands before its pooling but the side branch."""
    if not hasattr(network, "avgpool"):
        return network
    names = [name for name, _ in network.named_children()]
    before = [name for name in names[: names.index("avgpool")] if name != "AuxLogits"]
    return nn.Sequential(OrderedDict((name, getattr(network, name)) for name in before))


BACKBONES: dict[str, Backbone] = {
    "inception": Backbone(inception_v3, 2048, 299, "bilinear", (127.5, 127.5)),
    "efficientnet": Backbone(EfficientNetLite, 1280, 224, "bicubic", (127.0, 128.0)),
    "efficientnet-lite1": Backbone(lambda: EfficientNetLite(1.0, 1.1), 1280, 240, "bicubic", (127.0, 128.0)),
    "efficientnet-lite2": Backbone(lambda: EfficientNetLite(1.1, 1.2), 1280, 260, "bicubic", (127.0, 128.0)),
}


def described(name: str) -> Backbone:
    """What is known of one network. Raises DataError for one of timm that there is not."""
    return BACKBONES[name] if name in BACKBONES else of_timm(name)


@lru_cache(maxsize=8)
def of_timm(name: str) -> Backbone:
    """The same of a network of timm, as timm says it."""
    if why := pretrained_weights.why_not(name):
        raise DataError(why)
    import timm.data

    def made(**more: Any) -> nn.Module:
        return timm.create_model(timm_weights.called(name), num_classes=0, **more)

    try:
        with torch.device("meta"):
            blank = made().eval()
    except RuntimeError as e:
        raise DataError(f"timm has no network named {timm_weights.called(name)}.") from e
    wants: dict[str, Any] = timm.data.resolve_model_data_config(blank)
    side, file = wants["input_size"][-1], str(pretrained_weights.path(name))
    mean, std = (tuple(255 * v for v in wants[key]) for key in ("mean", "std"))
    size = blank(torch.empty(1, 3, side, side, device="meta")).shape[-1]
    weights = {"pretrained": True, "pretrained_cfg_overlay": {"file": file}}
    return Backbone(lambda: made(**weights), size, side, wants["interpolation"], (mean, std))


def read(name: str) -> nn.Module:
    """The network with its weights, as published. Nothing that the file holds is executed. Raises DataError."""
    if timm_weights.is_name(name):
        return described(name).network().eval().requires_grad_(False)
    file = pretrained_weights.path(name)
    with torch.device("meta"):  # no random weights that the file's replace at once
        network = BACKBONES[name].network()
    try:
        kept = torch.load(file, map_location="cpu", weights_only=True)
        # EfficientNet-Lite0's file writes _blocks.0._bn1, and Inception's has no name that begins so.
        network.load_state_dict({key.removeprefix("_").replace("._", "."): t for key, t in kept.items()}, assign=True)
    except (OSError, RuntimeError, ValueError, KeyError, AttributeError, EOFError, UnpicklingError) as e:
        raise DataError(
            f"{file} does not hold the weights of {pretrained_weights.weights(name).title}. Remove it."
        ) from e
    return network.eval().requires_grad_(False)


def fold(network: nn.Module) -> nn.Module:
    """Each batch norm worked into the convolution that stands before it, for `eval` mode."""
    for module in list(network.modules()):
        parts = list(module.named_children())
        for (name, conv), (after, bn) in pairwise(parts):
            if isinstance(conv, nn.Conv2d) and isinstance(bn, nn.BatchNorm2d):
                setattr(module, name, fuse_conv_bn_eval(conv, bn))
                setattr(module, after, nn.Identity())
    return network


@lru_cache(maxsize=2)
def ready(name: str, device: torch.device) -> nn.Module:
    """The network on a device, made fast. Raises DataError when its weights are not there."""
    network = read(name)
    if name in BACKBONES:
        network = fold(trunk(network))
    network = network.to(device)
    network.to(memory_format=torch.channels_last)
    return network.bfloat16() if bf16_pays(device) else network


def at_once(device: torch.device) -> int:
    """How many images go through a network together: few on a CPU, whose caches then hold all layers."""
    return 8 * max(1, torch.get_num_threads()) if device.type == "cpu" else 256


def resized(x: Tensor, of: Backbone) -> Tensor:
    """Images (n, c, h, w) in [0, 1] as the network wants them: its side, three channels, its levels.

    On a CPU the interpolation works on whole levels of 0 to 255, which is many times faster and what an image file
    would have gone through.
    """
    x = 255 * x.expand(-1, 3, -1, -1).float()
    if x.device.type == "cpu":
        x = x.round().to(torch.uint8).contiguous(memory_format=torch.channels_last)
    x = F.interpolate(x, (of.side, of.side), mode=of.mode, antialias=True)
    a, b = (torch.tensor(level, device=x.device).view(-1, 1, 1) for level in of.level)
    return (x.float().clamp(0, 255) - a) / b


VIEWS: tuple[Callable[[Tensor], Tensor], ...] = (lambda x: x, lambda x: x.flip(-1))  # the image, and mirrored


def size(backbone: str) -> int:
    """How many features the networks of a backbone give together."""
    return sum(described(name).features for name in pretrained_weights.parts(backbone))


def features(backbone: str, x: Tensor, view: int = 0) -> Tensor:
    """h(x) of images (n, c, h, w) in [0, 1]: float32 (n, size), those of several networks side by side.

    Raises DataError when weights are not there.
    """
    return torch.cat([features_of(name, x, view) for name in pretrained_weights.parts(backbone)], -1)


def features_of(name: str, x: Tensor, view: int) -> Tensor:
    """What one network gives."""
    whole, of, n = ready(name, x.device), described(name), at_once(x.device)
    x = VIEWS[view](x)
    dtype = next(whole.parameters()).dtype
    with torch.no_grad(), torch.autocast(x.device.type, enabled=False):
        given = (whole(resized(part, of).to(dtype, memory_format=torch.channels_last)) for part in x.split(n))
        return torch.cat([(h.mean((-2, -1)) if h.ndim == 4 else h) for h in (maps.float() for maps in given)])
