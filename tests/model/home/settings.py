"""The runs that are searched, each a few kinds of trouble at a time, and the wrong rules with what each breaks."""

from mvsep_watch.model import JobState
from tests.model.home import rules
from tests.model.home.game import (
    BROUGHT_BACK_OVER,
    CALLED_GONE,
    DISPOSED_EARLY,
    DISPOSED_OF_A_STRANGERS,
    DISPOSED_THOUGH_KEPT,
    DROPPED,
    LEFT,
    PUBLISHED_WRONG,
    REPLACED,
    SHOWN_ELSEWHERE,
    SHOWN_IN_PART,
    STAYS,
    STAYS_ASIDE,
)
from tests.model.home.rules import Rules
from tests.model.home.world import PLACES, A, B, Budget, Files, Folder, Job, Setting, Source, State, World

SHOWN = Folder(1, 1, 11, 1, A)
PUBLISHED = World(
    state=State(sources=(Source(1),), jobs=(Job(0, 1, A, 0, JobState.PUBLISHED, 11, Files.WHOLE),), separations=(11,)),
    files=(1,),
    aside=(0,),
    budget=Budget(),
    places=(SHOWN, *(None,) * (PLACES - 1)),
    ready=frozenset({11}),
    shown=frozenset({(A, 1)}),
)
"""A song that is published, and kept."""
TWO_COPIES = PUBLISHED._replace(
    state=PUBLISHED.state._replace(sources=(Source(1, pending=True), Source(1, pending=True))),
    files=(1, 1),
    aside=(0, 0),
)
"""The song under two names, both of which are to go."""
TWO_PUBLISHED = PUBLISHED._replace(
    state=State(
        sources=(Source(1), Source(2)),
        jobs=(*PUBLISHED.state.jobs, Job(1, 2, A, 1, JobState.PUBLISHED, 21, Files.WHOLE)),
        separations=(11, 21),
    ),
    files=(1, 2),
    aside=(0, 0),
    places=(SHOWN, Folder(1, 2, 21, 2, A), *(None,) * (PLACES - 2)),
    ready=frozenset({11, 21}),
    shown=frozenset({(A, 1), (A, 2)}),
)
"""Two songs."""
RESTORED = TWO_PUBLISHED._replace(
    state=State(
        sources=TWO_PUBLISHED.state.sources,
        jobs=(TWO_PUBLISHED.state.jobs[0], Job(1, 2, A, 1, JobState.SEPARATED, 21)),
        separations=(11, 21),
    ),
    places=PUBLISHED.places,
    spool=(None, Folder(1, 2, 12, 1, A)),
    is_mounted=False,
    shown=PUBLISHED.shown,
)
"""An old state, and what a newer one kept in the spool under a number that stands for another job now."""

SETTINGS = {
    "a song": Setting(budget=Budget(crashes=2)),
    "a song that is replaced": Setting(budget=Budget(crashes=1, replaced=2, removed=1)),
    "a song that is replaced, and a person cancels": Setting(budget=Budget(replaced=1, cancels=1)),
    "two rules": Setting(rules=A | B, budget=Budget(crashes=1)),
    "two rules, and outputs are moved": Setting(rules=A | B, keeps=True, budget=Budget(renamed=1)),
    "rules that come and go": Setting(budget=Budget(rules=2, keeps=1, crashes=1)),
    "a copy": Setting(files=(1, 0), budget=Budget(crashes=1, copied=1)),
    "two copies": Setting(files=(1, 1), under_way=TWO_COPIES, budget=Budget(crashes=1, copied=1)),
    "results that are hard to get": Setting(budget=Budget(crashes=1, shorts=1, lags=3, forgets=1, retries=1)),
    "strangers": Setting(budget=Budget(crashes=1, strangers=2, damaged=1, cancels=1)),
    "a person takes outputs away": Setting(
        keeps=True, under_way=PUBLISHED, budget=Budget(crashes=1, taken=1, retries=1, strangers=1, forgets=1)
    ),
    "a person asks again": Setting(budget=Budget(crashes=1, redos=1, cancels=1, retries=1)),
    "a person changes their mind": Setting(keeps=True, budget=Budget(redos=1, cancels=2, retries=1, damaged=1)),
    "outputs side by side": Setting(
        is_flat=True, budget=Budget(crashes=2, strangers=1, cancels=1, retries=1, mounts=1)
    ),
    "a person has outputs replaced, side by side": Setting(
        is_flat=True, keeps=True, under_way=PUBLISHED, budget=Budget(crashes=2, replaces=1, cancels=1, edits=1)
    ),
    "a person has outputs replaced": Setting(
        keeps=True, under_way=PUBLISHED, budget=Budget(crashes=2, replaces=1, edits=1, taken=1)
    ),
    "a person has outputs replaced, and nothing swaps": Setting(
        keeps=True,
        swaps=False,
        under_way=PUBLISHED,
        budget=Budget(crashes=2, replaces=1, cancels=1, strangers=1, retries=1),
    ),
    "a person has outputs replaced, and moves others there": Setting(
        keeps=True, under_way=TWO_PUBLISHED, budget=Budget(crashes=1, replaces=1, taken=1, renamed=1)
    ),
    "the root's disk is away": Setting(room=2, budget=Budget(mounts=2, forgets=1, crashes=1)),
    "the root's disk is away, and the spool is small": Setting(
        room=1, rules=A | B, keeps=True, budget=Budget(mounts=2, forgets=1, cancels=1)
    ),
    "the watched disk is away": Setting(budget=Budget(grounds=2, crashes=1, keeps=1)),
    "a person has it forgotten": Setting(budget=Budget(ignores=1, crashes=1, retries=1)),
    "an old backup": Setting(keeps=True, under_way=PUBLISHED, budget=Budget(backups=1, crashes=1, redos=1, replaced=1)),
    "an old backup, and the spool": Setting(
        keeps=True, room=2, under_way=RESTORED, budget=Budget(mounts=1, cancels=1, replaced=1, forgets=1)
    ),
    "a state that was made anew": Setting(budget=Budget(rebuilds=1, crashes=1, redos=1)),
}

WRONG = {
    "one rule is enough": (Rules(may_dispose=rules.any_rule), "rules that come and go", DISPOSED_EARLY),
    "the rules of then are asked": (Rules(asks_rules_now=False), "rules that come and go", DISPOSED_EARLY),
    "what was published of other bytes counts": (
        Rules(may_dispose=rules.on_any_bytes), "a song that is replaced, and a person cancels", DISPOSED_EARLY,
    ),
    "fetched counts as published": (Rules(may_dispose=rules.though_fetched), "two rules", DISPOSED_THOUGH_KEPT),
    "a new attempt does not keep its source": (
        Rules(may_dispose=rules.though_live), "a person asks again", DISPOSED_THOUGH_KEPT,
    ),
    "what was forgotten goes": (
        Rules(may_dispose=rules.though_forgotten), "a person has it forgotten", DISPOSED_THOUGH_KEPT,
    ),
    "a source is not hashed again": (
        Rules(hashes_again=False), "a song that is replaced", DISPOSED_OF_A_STRANGERS,
    ),
    "a source is hashed in its place": (
        Rules(sets_aside=False), "a song that is replaced", DISPOSED_OF_A_STRANGERS,
    ),
    "nobody brings back what was set aside": (
        Rules(brings_back=False, sees_asides=False), "a song", STAYS_ASIDE,
    ),
    "what was set aside is looked for at a start alone": (
        Rules(looks_first=False, sees_asides=False), "the watched disk is away", STAYS_ASIDE,
    ),
    "what was set aside is known to the state alone": (
        Rules(sees_asides=False), "a state that was made anew", STAYS_ASIDE,
    ),
    "the next file is taken for the one that is gone": (Rules(knows_another=False), "two copies", STAYS),
    "what comes back replaces": (Rules(returns_beside=False), "two copies", BROUGHT_BACK_OVER),
    "a staging is anybody's": (Rules(clears_staging=False), "a person changes their mind", PUBLISHED_WRONG),
    "what is staged is not compared": (Rules(verifies_staged=False), "strangers", PUBLISHED_WRONG),
    "what is complete is taken as it is": (
        Rules(compares_records=False), "a person changes their mind", PUBLISHED_WRONG,
    ),
    "what is damaged stays staged": (Rules(drops_damaged=False, compares_records=False), "strangers", PUBLISHED_WRONG),
    "a job is known by its number": (
        Rules(decide_place=rules.there_by_number), "an old backup", PUBLISHED_WRONG,
    ),
    "outputs are known by their separation": (
        Rules(decide_place=rules.there_by_hash), "two rules, and outputs are moved", PUBLISHED_WRONG,
    ),
    "a first publish replaces": (Rules(renames_new=False), "strangers", REPLACED),
    "what was shown in part stays": (Rules(takes_back=False), "outputs side by side", SHOWN_IN_PART),
    "old outputs are not compared": (Rules(compares_old=False), "a person has outputs replaced", REPLACED),
    "whatever is intact is replaced": (
        Rules(decide_place=rules.whatever_is_intact), "a person has outputs replaced, and moves others there", REPLACED,
    ),
    "a broken exchange is nobody's": (
        Rules(undoes_exchange=False), "a person has outputs replaced, and nothing swaps", LEFT,
    ),
    "a claim on the bare mount point is believed": (
        Rules(judge_root=rules.by_the_claim_alone), "the root's disk is away", SHOWN_ELSEWHERE,
    ),
    "the spool keeps for one job alone": (
        Rules(may_leave_spool=rules.without_the_others), "the root's disk is away, and the spool is small", DROPPED,
    ),
    "the spool removes by number": (
        Rules(removes_by_hash=False), "an old backup, and the spool", DROPPED,
    ),
    "what is kept is known by its number": (Rules(keeps_by_hash=False), "an old backup, and the spool", DROPPED),
    "every staging is cleaned at a start": (
        Rules(keeps_live_stagings=False), "results that are hard to get", DROPPED,
    ),
    "the first answer is believed": (
        Rules(results_are_gone=rules.at_once), "results that are hard to get", CALLED_GONE,
    ),
    "what the away disk holds is called gone": (
        Rules(waits_for_root=False), "the root's disk is away, and the spool is small", CALLED_GONE,
    ),
    "what others have published is called gone": (
        Rules(frees_held=False), "the root's disk is away, and the spool is small", CALLED_GONE,
    ),
}  # fmt: skip
