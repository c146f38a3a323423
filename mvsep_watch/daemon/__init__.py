"""The loop that owns the state, and the desks at which a file's way is worked off.

    watcher, scan      a path                          inbox
    scans              its folder is looked through    steps.scanning
    intake             a candidate, until it settles   steps.reading
    identifying        is read                         steps.reading
    queueing           a job for every rule
    starting           which separation serves it?     fitting, adopting, batches, budget, and the planner
    intents            committed, handed out, released steps.submit
    sending            what came of it: an answer, nothing, an unknown
    unknowns           looked for, adopted, sent again or held
    polling            asked for until it ends         steps.asking
    finishing          fetched, published              steps.fetch, steps.publish
    disposing          the source kept, deleted, moved steps.publish

`history` reads for everybody, `sightings` learns how prompt it is, `service` minds account and catalogue, `outputs` the
output roots. `commands` has `requesting` and `redoing` apply what people ask for, `oneoffs` knows what is separated by
itself. What has to be known of a disk is asked through `looking` (`eyes`); `annotating` has notes written, `tidying`
removes what is of no use any more, `moving` writes down how far uploads are, `telling`, `pinging` and `measuring` tell
others. `engine` turns the crank, `rest` says when nothing is left to do, `desks` who hears what (`news`), `hands`
perform steps, `reloading` has the configuration read by one. `opening` and `rebuilding` give the state, `run` makes it
a process, and `signals` are heard before that. Only the engine's thread touches the store.
"""
