"""Words that several pages say: what a term or a symbol means, plain words first, and how many runs Compare takes."""

MOST_COMPARED = 4  # runs that Compare puts side by side
NUMBERS = ("no", "one", "two", "three", "four", "five", "six")
UP_TO_COMPARED = f"up to {NUMBERS[MOST_COMPARED]}"

NATS = "A nat is a unit of information: 1 nat is 1.44 bits."
SEED = "A seed is the number from which random draws begin: the same seed makes the same draws on every machine."
PRESET = "A preset is a set of settings under one name."
ENTROPY = "Entropy says how unsure class probabilities are: 0 for a certain class, most where all are equally likely."
Q_Y = "q(y|x) is the probability of each class y, given an image x, by the model's classifier."
OBJECTIVE = "The objective, J, is what training makes small: a sum of costs."
CODE = "A code, z, is what the encoder makes of an image: in M1 all of it, in M2 and ADGM its style."
CODE_MEAN = "The posterior mean is the middle of the Gaussian q(z|x) that the encoder gives for an image: its code."
GENERATED = "p(x|y,z) are the images that the decoder generates for a class y and a style z."
BOUND = "The bound on −log p(x) is what it costs the model to describe an image, in nats; lower is better."
SNAPSHOT = "A snapshot is what a run saves after an epoch: codes and class probabilities of a fixed set of images."
EQUATIONS = "Equation numbers (eq.) are those of the paper that this project follows (Ojha, 2018); see Equations."


def terms(*sentences: str) -> str:
    """Several of the sentences above as one text, for the question mark beside a page's title."""
    return "\n\n".join(sentences).replace("|", r"\|")


def number_of(n: int, thing: str = "network") -> str:
    """ "two networks", "one network"."""
    return f"{NUMBERS[n] if n < len(NUMBERS) else f'{n:,}'} {thing}{'' if n == 1 else 's'}"
