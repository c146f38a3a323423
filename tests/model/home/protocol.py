"""The local end as a table of actions over `world.World`: from a separation that is done to a source that may go.

The hands' part, effect by effect, is in `hands`, the owner's in `owner`, all others' in `outside`; `rules` has what is
decided, the project's own code wherever that is a pure function; `promises` says what must hold.

Modelled: files that come, go, are replaced and copied; jobs for each rule in force, their reserved places; separations
that are shared; fetches from the service, from the spool and from what other jobs published, cut short or refused;
stagings; publishing, first and replacing, with and without a swap, in a folder and side by side; an output root and a
watched folder whose disks go and come back; the spool and its room; disposal, in every effect; strangers in every place
that they can get at; rules that come and go; `redo`, `redo --replace`, `cancel`, `forget`, `retry`; kills between any
two effects; an older state put back, and one made anew from the sidecars.

Not modelled: how a separation comes about and is paid for (that is `protocol`'s), renamed sources, sources that are
moved instead of deleted, results that the service is told to delete, several output roots, stems that differ between
rules, a stranger amid a replacement side by side. Assumed: nobody writes into a folder while it is compared; the
watched folder's disk is known to be away whenever it is; leftovers are looked for wherever a job of the state or of a
newer one may have left some, as a rebuild does.
"""

from collections.abc import Iterable
from typing import Any

from tests.model.home import hands, outside, owner, promises
from tests.model.home.outside import left, spent
from tests.model.home.world import PLACES, World, numbers
from tests.model.table import Action, Play, always, once


def paths(world: World) -> Iterable[int]:
    return range(len(world.files))


def steps_under_way(world: World) -> Iterable[Any]:
    return world.hands


def places(_: World) -> Iterable[int]:
    return range(PLACES)


def pairs(_: World) -> Iterable[tuple[int, int]]:
    return ((one, other) for one in range(PLACES) for other in range(PLACES) if one != other)


def hashes(world: World) -> Iterable[int]:
    return world.ready


OWN = (
    Action("a file is read", paths, owner.is_news, owner.identify),
    Action("a job is served", numbers, owner.is_queued, owner.serve_job),
    Action("a fetch is handed out", numbers, owner.may_fetch, owner.fetch),
    Action("a publication is handed out", numbers, owner.may_publish, owner.publish),
    Action("a disposal is settled", paths, owner.is_to_settle, owner.settle),
    Action("what is set aside is seen", paths, owner.is_left_aside, hands.bring_back),
    Action("outputs are kept in the spool", numbers, owner.may_keep, owner.keep),
    Action("the spool lets outputs go", numbers, owner.may_let_go, owner.let_go),
    Action("a hand goes on", steps_under_way, always, hands.go_on),
)


def trouble(name: str, what: str, each: Any, when: Any, then: Any) -> Action:
    return Action(name, each, left(what, when), spent(what, then))


TROUBLE = (
    trouble("the process is killed", "crashes", once, always, outside.crash),
    trouble("a file is replaced", "replaced", paths, outside.is_file, outside.replace),
    trouble("a file is taken away", "removed", paths, outside.is_file, outside.remove),
    trouble("a file is copied", "copied", paths, outside.may_copy, outside.copy),
    trouble("a rule comes or goes", "rules", once, always, outside.toggle("rules")),
    trouble("sources are to be kept, or not", "keeps", once, always, outside.toggle("keeps")),
    trouble("a stranger takes a place", "strangers", places, outside.may_take, outside.take),
    trouble("outputs are edited", "edits", places, outside.is_ours, outside.edit),
    trouble("outputs are taken away", "taken", places, outside.is_ours, outside.take_away),
    trouble("outputs are renamed", "renamed", pairs, outside.may_rename, outside.rename),
    trouble("a staged file is damaged", "damaged", numbers, outside.may_damage, outside.damage),
    trouble("the root's disk goes or comes", "mounts", once, always, outside.toggle("is_mounted")),
    trouble("the watched disk goes or comes", "grounds", once, always, outside.toggle("is_ground_there")),
    trouble("the service forgets", "forgets", hashes, always, outside.forget),
    trouble("a download is cut short", "shorts", steps_under_way, hands.is_downloading, hands.cut_short),
    trouble("a mirror knows nothing", "lags", steps_under_way, hands.is_downloading, hands.missed),
    trouble("a person says redo", "redos", numbers, outside.may_redo, outside.redo),
    trouble("a person says redo --replace", "replaces", numbers, outside.may_replace, outside.redo_replacing),
    trouble("a person says cancel", "cancels", numbers, outside.is_live, outside.cancel),
    trouble("a person says forget", "ignores", paths, always, outside.ignore),
    trouble("a person says retry", "retries", numbers, outside.may_retry, outside.retry),
    trouble("the state is copied", "backups", once, always, outside.back_up),
    trouble("killed, and the copy restored", "crashes", once, outside.may_restore, outside.restore),
    trouble("killed, and the state rebuilt", "rebuilds", once, always, outside.rebuild),
)


def lasting(world: World) -> Any:
    """Leave out what is under way, and what only the process knows."""
    return world._replace(hands=(), unsure=frozenset(), missed=frozenset())


HOME = Play(OWN, TROUBLE, promises.broken_promise, promises.broken_at_rest, lasting)
