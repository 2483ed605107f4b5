"""Settings of a method on a data set: `paper`, the architecture to the letter, and `tuned`, the most accuracy in the time.

How each value was chosen, and what did not work, is in docs/LOG.md. None was chosen on a test set.
"""

from dataclasses import dataclass, replace

from data import DATASETS

PRESETS = ("tuned", "paper")


@dataclass(frozen=True)
class Settings:
    """What a run trains with. Every field is a number or a name, so a run folder can hold it as JSON."""

    net: str = (
        "conv"  # "conv": the networks of 3.1 and 3.2; "dense": those of 3.3; "tuned": small convolutional q, dense p
    )
    n_z: int = 50  # size of z
    n_a: int = 50  # size of a (ADGM)
    hidden: tuple[int, ...] = (500, 500)  # hidden layers of the dense networks
    width: int = 32  # channels of the first convolution
    dropout: float = 0.0
    encoder_sees_y: bool = False  # M2: q(z|x,y) as in Kingma 2014 instead of the paper's q(z|x)
    beta: float = 0.1  # alpha = beta (N_l + N_u) / N_l, below eq. 23
    batch_l: int = 100  # labelled images a step
    batch_u: int = 100  # unlabelled images a step
    lr: float = 1e-3
    weight_decay: float = 0.0
    schedule: str = "cosine"  # "cosine": a short rise, then down to nothing at the last step; "constant"
    ema: float = 0.0  # decay per step of the averaged weights used for evaluation; 0: none
    augment: float = 0.0  # strength of the random affine changes that q(y|.) sees; 0: none
    flip: bool = False  # whether the changes may mirror an image
    consistency: float = 0.0  # weight of the consistency cost on q(y|.), in units of alpha; 0: none
    threshold: float = 0.95  # how sure q(y|.) must be of an unlabelled image before the cost counts it
    svm_copies: int = 0  # M1: augmented copies of each labelled image that the SVM sees besides the image
    bf16: bool = True  # matrix products in bfloat16 where the hardware gains from it


PAPER = Settings(net="conv", dropout=0.1, lr=1e-3, schedule="constant", bf16=True)


def preset_settings(model: str, dataset: str, preset: str) -> Settings:
    """What `preset` means for this model and data set."""
    if preset == "paper":
        return replace(PAPER, net="dense" if model == "adgm" else "conv")
    return replace(PAPER, net="tuned", schedule="cosine", dropout=0.0)


def default_epochs(model: str, dataset: str, preset: str) -> int:
    """Epochs that fit "short": about a minute on digits, at most ten on MNIST, thirty on CIFAR, on 2 CPU cores."""
    return 40 if DATASETS[dataset].n_train < 5000 else 10
