"""A run's rules and setting, and the names of what must not happen."""

from dataclasses import dataclass

from tests.model.home.rules import Rules
from tests.model.home.world import Setting

DISPOSED_EARLY = "a source was disposed of before every rule in force was published on its bytes"
DISPOSED_OF_A_STRANGERS = "a file was disposed of that nobody had read"
DISPOSED_THOUGH_KEPT = "a source was disposed of that is to be kept, was forgotten, or has a job under way"
BROUGHT_BACK_OVER = "what was set aside came back over another file"
STAYS_ASIDE = "a source stays set aside, where nobody finds it"
STAYS = "a source that has served stays, and nothing says so"
PUBLISHED_WRONG = "outputs were shown that are not whole, or not of this job and hash"
SHOWN_ELSEWHERE = "outputs were shown on a bare mount point"
SHOWN_IN_PART = "outputs are shown in part, and stay so"
REPLACED = "a folder was replaced that nobody wanted replaced, or that was changed"
DROPPED = "results that were paid for were dropped, and a job needed them"
CALLED_GONE = "results are called gone, and can be had"
LEFT = "a staging is left without a live job"
LEFT_IN_THE_SPOOL = "the spool keeps what nobody needs"
NOT_SAID_WHY = "a job is at rest, and nothing says why"


@dataclass(frozen=True)
class Game:
    """The rules and the setting of a run."""

    rules: Rules
    setting: Setting
