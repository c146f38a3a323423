"""Which stems a model will give, by the catalogue."""

from __future__ import annotations

from collections.abc import Mapping

from mvsep_watch.model import Algorithm


def predict_stems(algorithm: Algorithm, options: Mapping[str, str]) -> dict[str, str]:
    """Give the stems that will come out, slug → label, by the catalogue; empty where it does not say.

    The model's own are those of the combination of options that fits, else those for all options. What one option
    sets replaces them, and what others add comes on top, wherever the fields stand.

    Args:
        algorithm: The model.
        options: What is sent, by `add_optN`: without the fields that the conditions hide.
    """
    sent = [(field, options.get(field.name, "")) for field in algorithm.fields]
    overrides = [field.output_overrides[key] for field, key in sent if key in field.output_overrides]
    stems = dict(_fitting_variant(algorithm, options) or algorithm.outputs)
    for override in sorted(overrides, key=lambda override: override.adds):
        stems = {**stems, **override.outputs} if override.adds else dict(override.outputs)
    return stems


def _fitting_variant(algorithm: Algorithm, options: Mapping[str, str]) -> Mapping[str, str] | None:
    keys = {field.server_key: options.get(field.name, field.default_key) for field in algorithm.fields}
    fitting = (variant.outputs for variant in algorithm.output_variants if variant.match.items() <= keys.items())
    return next(fitting, None)
