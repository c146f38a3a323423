from pathlib import Path

from mvsep_watch.config import check_models, odd_globs
from mvsep_watch.model import Algorithm, Config, Field, Folder, OutputOverride, OutputVariant, Rule, Service

ROFORMER = Algorithm(
    sep_type=40,
    name="BS Roformer (vocals, instrumental)",
    fields=(
        Field(
            name="add_opt1",
            label="Model Type",
            options={"81": "ver. 2025", "29": "ver. 2024"},
            default_key="29",
            output_overrides={"81": OutputOverride(outputs={"lead": "Lead Vocals"}, adds=True)},
        ),
    ),
    outputs={"vocals": "Vocals", "other": "Instrumental"},
    output_variants=(OutputVariant(match={}, outputs={"max-fft": "Max FFT"}),),
)
TALKER = Algorithm(sep_type=115, name="Bark (Speech Gen)", takes_audio=False)
NAMED = '40 "BS Roformer (vocals, instrumental)"'
CATALOGUE = {40: ROFORMER, 115: TALKER}


def advice(**rule):
    rules = (Rule(**rule),)
    folder = Folder(name="drop", path=Path("/a"), output=Path("/o"), layout="{name}", rules=rules)
    config = Config(path=Path("/c"), state=Path("/s"), service=Service(token="t"), folders=(folder,))
    return check_models(config, CATALOGUE)


def test_a_rule_that_the_catalogue_knows_needs_no_advice():
    """By label and slug, in any case, and whichever options bring the stem."""
    stems = ("instrumental", "other", "lead vocals", "max-fft")

    assert advice(sep_type="roformer", options=(("model type", "Ver. 2025"),), stems=stems) == ()


def test_what_the_catalogue_does_not_know_is_told_with_the_rule_that_says_it():
    """With the near match, and everything about the rule at once."""
    said = advice(sep_type=40, options=(("add_opt1", "ver.2024"),), stems=("vocal",))

    assert [line.removeprefix('folder "drop", rule "default": ') for line in said] == [
        (
            f'"ver.2024" for add_opt1 "Model Type" of model {NAMED} is not one of its values; '
            f'allowed: 81 "ver. 2025", 29 "ver. 2024"; did you mean "ver. 2024"?'
        ),
        f'model {NAMED} lists no stem "vocal"; did you mean "vocals"?',
    ]


def test_a_glob_that_looks_like_a_folder_is_told(tmp_path):
    """It is laid on names, and files that were to be left alone would be paid for."""
    rules = (Rule(sep_type=40, match=("live", "*")), Rule(name="b", sep_type=40, match=("live", "demos/*")))
    folder = Folder(
        path=tmp_path, name="drop", output=tmp_path, layout="", rules=rules, include=("audios",), exclude=("a.wav",)
    )

    include, match = odd_globs(Config(path=tmp_path, state=tmp_path, service=Service(token=""), folders=(folder,)))

    assert include.endswith('"audios/**" is what is in such a folder; did you mean "audio"?')
    assert match == (
        'folder "drop": match has "live", which fits only files of that very name; '
        '"live/**" is what is in such a folder'
    )


def test_an_unknown_model_is_told_alone():
    """Nothing else of the rule can be judged."""
    said = advice(sep_type=41, stems=("x",))

    assert len(said) == 1
    assert said[0].startswith('folder "drop", rule "default": the catalogue has no model 41; ')


def test_a_model_that_takes_no_file_is_told():
    """It would have nothing to work on."""
    assert advice(sep_type=115)[0].endswith('model 115 "Bark (Speech Gen)" takes no audio file')
