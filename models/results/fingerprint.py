"""Keeps the fingerprints of today's code (models/training/fingerprint.py), which the figures shown are held against.

python -m models.results.fingerprint     # writes models/results/fingerprints.json; the tests compare
"""

import sys

from data import DATASETS, IMAGE_SETS
from models import baseline_of
from models.methods.presets import PRESETS
from models.results.outcome import FINGERPRINTS, fingerprint_key
from models.results.table import models_of
from models.runs.files import write_json
from models.training.fingerprint import fingerprint


def kept() -> list[tuple[str, str, str]]:
    """Data set, method and preset of the fingerprints that are kept: of the preset that reference figures have, and of
    what these are held against on images.
    """
    own = [(dataset, model, PRESETS[0]) for dataset in DATASETS for model in models_of(dataset)]
    fair = [(d, *baseline_of(m, DATASETS[d], preset)) for d, m, preset in own if d in IMAGE_SETS]
    return list(dict.fromkeys([*own, *fair]))


def main() -> int:
    write_json(FINGERPRINTS, {fingerprint_key(*of): fingerprint(*of) for of in kept()})
    print(f"{FINGERPRINTS} says what today's code gives.", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
