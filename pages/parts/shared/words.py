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
EQUATIONS = "Equation numbers (eq.) are those of the paper that this project follows (Ojha, 2018); see Equations."


def number_of(n: int, thing: str = "network") -> str:
    """ "two networks", "one network"."""
    return f"{NUMBERS[n] if n < len(NUMBERS) else n} {thing}{'' if n == 1 else 's'}"
