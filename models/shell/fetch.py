"""`fetch`: download and decode a data set, or the weights that a model stands on."""

import argparse

import data
from data.fetching import print_progress
from models.nn import pretrained_weights
from models.runs.run import one_of
from models.shell.output import FetchBar


def fetch(args: argparse.Namespace) -> int:
    """Progress goes to stderr as a bar, or with --json to stdout as lines {"fraction", "what"}."""
    if pretrained_weights.is_backbone(args.dataset):
        title, get = pretrained_weights.title(args.dataset), pretrained_weights.fetch
    else:
        one_of("data set", args.dataset, data.DATASETS)
        title, get = data.DATASETS[args.dataset].title, data.fetch
    if args.json:
        get(args.dataset, print_progress)
        return 0
    with FetchBar() as bar:
        get(args.dataset, bar.show)
    print(f"{title} is ready.")
    return 0
