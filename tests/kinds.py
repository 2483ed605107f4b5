"""Which methods learn from which data sets, for the tests that try them all."""

from data import DATASETS
from models import MODELS

PAIRS = [(model, name) for model, card in MODELS.items() for name, spec in DATASETS.items() if spec.kind in card.kinds]
LEARNERS = [model for model, card in MODELS.items() if card.reads]  # the others have no weights and no steps
IMAGE_LEARNERS = [model for model in LEARNERS if "images" in MODELS[model].kinds]
