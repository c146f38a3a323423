"""Chance that falls the same each time: what is made from a text follows from the text alone. Pure."""

from __future__ import annotations

import hashlib

import numpy as np


def dice(*words: str) -> np.random.Generator:
    """Give the random numbers that belong to these words."""
    return np.random.default_rng(list(hashlib.sha256("\0".join(words).encode("utf-8", "surrogatepass")).digest()))
