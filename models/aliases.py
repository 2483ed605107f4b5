"""Names of before 2026-11-28 that stand in run folders, zips, links and docs/results, and what they are called today.

The one place for all of them: what was written under an old name goes on opening.
"""

from collections.abc import Mapping

SETTINGS = {"recolour": "color_jitter", "cover": "cutout", "mix": "mixup", "agreement": "two_views"}
TERMS = {"agreement": "two_views"}
STATE = {"dice.": "rng_state."}  # beginnings of names in a checkpoint
ADDRESS = {"term": TERMS}  # of an address: by its key, what stood there
TENSORS = {"change_of_mind.sureness": "consistency.sureness", "change_of_mind.share": "consistency.share"}


def renamed(named: Mapping[str, object], names: Mapping[str, str]) -> dict:
    """The same under today's names."""
    return {names.get(k, k): v for k, v in named.items()}


def in_address(key: str, value: str | None) -> str | None:
    """What ?key= asks for, in today's word."""
    return None if value is None else ADDRESS.get(key, {}).get(value, value)


def tensors(named: Mapping[str, object]) -> dict:
    """Tensors under today's names; a prefix before an old name, such as "averaged.", stays."""
    found = {}
    for key, value in named.items():
        for before, after in STATE.items():
            key = after + key.removeprefix(before) if key.startswith(before) else key
        old = next((o for o in TENSORS if key == o or key.endswith(f".{o}")), "")
        found[key.removesuffix(old) + TENSORS[old] if old else key] = value
    return found
