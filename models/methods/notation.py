"""Symbols, terms and sentences that several cards share, in LaTeX and in words."""

X = ("x", "an image, each value in [0, 1]; labelled and unlabelled ones apart in J", "x, x_l, x_u")
ONE_X = ("x", "an image, each value in [0, 1]", "x, x_l")
Y = ("y", "its class, one of K", "y, y_l")
Z = ("z", "its style: what there is to say of it besides the class", "z")
PRIOR_Z = ("p(z)", "standard normal", "p_z")
PRIOR_Y = ("p(y)", "every class equally likely: log p(y) = −log K", "p_y")
DECODER = ("p(x|y,z)", "the decoder: Bernoulli for grey images, Gaussian for colour", "p_x")
FILTERS = ("h(x)", "only where settings name filters: their activations, which the classifier sees beside x", "filters")
ENTROPY = (r"\mathcal H", "entropy, in nats", "entropy")
L = (r"\mathcal L(x,y)", "the bound on −log p(x,y), nats per image, minimised", "L")
U = (r"\mathcal U(x)", "the bound on −log p(x), nats per image, minimised", "U")
J = (r"\mathcal J", "what training minimises", "J")
ALPHA = (
    r"\alpha = \beta\,(N_l + N_u)/N_l",
    "the weight of a label; Nₗ and Nᵤ are the numbers of labelled and unlabelled images. Where J has terms of both, "
    "each a mean over a batch of its own, a labelled image weighs Nᵤ/Nₗ times as much as an unlabelled one besides",
    "alpha, beta",
)
# Of that Nᵤ/Nₗ: which authors' own code has it.
AUTHORS = "Maaløe’s own code for ADGM has it, too; Kingma’s for M2 sums over both data sets, as eq. 12 does."

STYLE = (
    "Mixed classes are good here: z need not know the class, because y holds it. The style z is what {} needs besides "
    "the class y to draw an image, and the better y is known, the less z has to say of it."
)

CLOUD = (
    "q(a|x), eq. 18, gives each image a whole cloud of a. q(y|a,x), eq. 19, reads the class from the image and one a "
    "of that cloud, and q(y|x) is the mean over it. q(z|a,y,x), eq. 20, is a Gaussian for each a; over the cloud, the "
    "posterior of z becomes a mixture of Gaussians, which is what a is for. {} is the model's own guess of a: the "
    "nearer the two clouds, the less a costs."
)

HIDDEN = (
    "Classes lie apart as far as the labels, and agreement about the other images, have taught it. Shown is h, the "
    "last hidden layer of its classifier. This model has no latent variable."
)

# Of consistency methods
CONSISTENT = (
    X,
    Y,
    ("q(y|x)", "the classifier", "q_y"),
    ("x', x''", "the image under two random augmentations; a point with Gaussian noise", "augment, noise"),
    ("w(t)", "the weight of agreement, in units of α; t is how much of the run is over", "weight, progress, ramp_up"),
    J,
    ALPHA,
)
CONSISTENT_PIECES = (
    (r"-\alpha\log q(y|x')", "classification"), (r"w(t)\,\alpha \sum_{x_u} d(x)", "consistency"),
)  # fmt: skip

# Terms of an objective by their names in metrics.jsonl
LABELLED_BOUND = {
    "labelled/reconstruction": "−log p(x|·), labelled",
    "labelled/prior_y": "−log p(y), labelled",
    "labelled/kl_z": "KL(q(z|·) ‖ p(z)), labelled",
}
UNLABELLED_BOUND = {
    "unlabelled/reconstruction": "−log p(x|·), unlabelled",
    "unlabelled/prior_y": "−log p(y), unlabelled",
    "unlabelled/kl_z": "KL(q(z|·) ‖ p(z)), unlabelled",
}
AUXILIARY_BOUND = {
    "labelled/kl_a": "log q(a|x) − log p(a|·), labelled",
    "unlabelled/kl_a": "log q(a|x) − log p(a|·), unlabelled",
}
ENTROPY_TERM = {"unlabelled/entropy": "−H(q(y|·)), unlabelled"}
CLASSIFICATION = {"classification": "−α log q(y|·), labelled"}
ONE_CONSISTENCY = {"consistency": "consistency of q(y|·), unlabelled"}
CONSISTENCY = ONE_CONSISTENCY | {
    "two_views": "two views of an image classified alike, unlabelled",
}
CONTRASTIVE = {"contrastive": "contrastive pretraining, before J, unlabelled"}
RECONSTRUCTED = {"reconstructed": "consistency with the reconstruction, unlabelled"}
CROSS_ENTROPY_PIECE = ((r"\alpha\log q(y|x)", "classification"),)
