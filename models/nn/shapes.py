"""The axes are named once. Checked in the tests, where beartype is installed, and nowhere else."""

from jaxtyping import Float, Int
from torch import Tensor

Images = Float[Tensor, "*#batch channels height width"]  # in [0, 1]; leading axes broadcast against those of y and z
Unlabelled = Float[Tensor, "*unlabelled channels height width"]  # a batch of its own size, beside a labelled one
Labels = Int[Tensor, "*#batch"]
OneHot = Float[Tensor, "*#batch classes"]
Latent = Float[Tensor, "*#batch _latent"]  # a or z, whose sizes differ
PerImage = Float[Tensor, "*batch"]  # nats
PerPair = Float[Tensor, "*#batch"]  # nats; a term that y does not change is there once, not once a class
Scalar = Float[Tensor, ""]
