"""Whether a work may be sent as the service is just now, and what comes nearest where it may not."""

from dataclasses import replace

import pytest

from mvsep_watch.errors import PremiumRequiredError, RequestRefusedError
from mvsep_watch.model import Algorithm, Field, InputKind, Scope, Settings
from mvsep_watch.planner import Offer, misfit

MODEL = Algorithm(
    sep_type=40,
    name="BS Roformer (vocals, instrumental)",
    group="Vocals",
    fields=(Field(name="add_opt1", label="Model type", options={"29": "ver. 2024", "81": "ver. 2025"}),),
    outputs={"vocals": "Vocals"},
)
OTHER = replace(MODEL, sep_type=48, name="MelBand Roformer (vocals, instrumental)")
BEST = replace(MODEL, sep_type=26, name="Ensemble (vocals, instrum)", orientation=2)
PROMPT = Field(name="add_opt2", label="Prompt", options={}, input_type="text", required=True)
SPEAKER = replace(
    MODEL, sep_type=62, name="Speaker", takes_audio=False, scope=Scope.NO_UPLOAD, fields=(*MODEL.fields, PROMPT)
)
MASTER = replace(MODEL, sep_type=68, name="Master", takes_audio=False, scope=Scope.MATCHERING_UPLOAD)
OFFER = Offer(catalogue={model.sep_type: model for model in (MODEL, OTHER, BEST, SPEAKER, MASTER)})
SENT = Settings(sep_type=40, options=(("add_opt1", "81"),))


def listing(model):
    """The offer, with a model as it is listed now and as it was known."""
    return replace(OFFER, catalogue={**OFFER.catalogue, model.sep_type: model}, known=OFFER.catalogue)


@pytest.mark.parametrize("kind", [InputKind.FILE, InputKind.LINK])
def test_what_the_service_offers_fits(kind):
    """The ordinary case, and under another name."""
    field = replace(MODEL.fields[0], label="Kind", options={"81": "newest"})

    assert misfit(SENT, kind, OFFER) is None
    assert misfit(SENT, kind, listing(replace(MODEL, name="Something else", fields=(field,)))) is None


@pytest.mark.parametrize(
    ("offer", "message", "hint"),
    [
        (replace(OFFER, catalogue={48: OTHER}), "the catalogue has no model 40", "takes a number or a name"),
        (replace(OFFER, catalogue={48: OTHER}, known=OFFER.catalogue), "any more", "the nearest: 48"),
        (listing(replace(MODEL, is_active=False)), "is switched off", "the nearest: 48"),
        (listing(replace(MODEL, fields=())), 'has no option add_opt1 "Model type" any more', "it takes no options"),
        (
            listing(replace(MODEL, fields=(replace(MODEL.fields[0], options={"29": "ver. 2024"}),))),
            '81 "ver. 2025" for add_opt1 "Model type"',
            'did you mean "ver. 2024"?',
        ),
        (listing(replace(MODEL, takes_audio=False)), "takes no audio file", "another `input:`"),
    ],
)
def test_what_is_gone_is_refused_with_what_comes_nearest(offer, message, hint):
    """Before anything is sent."""
    found = misfit(SENT, InputKind.FILE, offer)

    assert isinstance(found, RequestRefusedError)
    assert message in found.message
    assert hint in found.hint


@pytest.mark.parametrize(
    ("settings", "message", "hint"),
    [
        (Settings(sep_type=26), "the model Ensemble (vocals, instrum) needs a premium account", "the nearest: 40"),
        (replace(SENT, output_format=4), "the format wav32 needs a premium account", "give the rule `format: wav`"),
        (replace(SENT, output_format=5), "the format flac24 needs a premium account", "give the rule `format: flac`"),
    ],
)
def test_what_is_for_premium_accounts_fits_only_those(settings, message, hint):
    """And the nearest that anybody may have is named."""
    found = misfit(settings, InputKind.FILE, replace(OFFER, has_premium=False))

    assert isinstance(found, PremiumRequiredError)
    assert message in found.message
    assert hint in found.hint
    assert misfit(settings, InputKind.FILE, OFFER) is None


@pytest.mark.parametrize(
    ("sep_type", "kind"),
    [(40, InputKind.TEXT), (40, InputKind.PAIR), (62, InputKind.FILE), (62, InputKind.PAIR), (68, InputKind.LINK)],
)
def test_a_model_is_fed_with_what_it_takes_only(sep_type, kind):
    """Files and links, a text, or a pair."""
    assert isinstance(misfit(Settings(sep_type=sep_type), kind, OFFER), RequestRefusedError)
    assert misfit(Settings(sep_type=68), InputKind.PAIR, OFFER) is None


def test_a_text_that_no_field_is_left_for_does_not_fit():
    """The service may give a model other fields than when the work was planned."""
    refused = misfit(Settings(sep_type=62), InputKind.TEXT, listing(replace(SPEAKER, fields=MODEL.fields)))

    assert isinstance(refused, RequestRefusedError)
    assert "no text left" in refused.message
