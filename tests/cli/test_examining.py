"""The doctor's checks, each against a machine that is told."""

import os
import resource
import tempfile
from dataclasses import replace
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from mvsep_watch.cli.examining import account, clock, folders, limits, outputs, people, service, state, unit, versions
from mvsep_watch.cli.examining.finding import problem
from mvsep_watch.cli.examining.subject import Remembered
from mvsep_watch.cli.examining.unitfiles import NAME, installed
from mvsep_watch.errors import UsageError
from mvsep_watch.files import claim as claims
from mvsep_watch.files.lock import StateLock
from mvsep_watch.files.roots import RootNote
from mvsep_watch.files.watched import FolderNote, PartNote
from mvsep_watch.model import Access, Account, CreditLimits, Limits
from mvsep_watch.mvsep.cached import KnownCatalogue
from mvsep_watch.mvsep.probing import Reached, Stage
from mvsep_watch.store import Store
from tests.cli.examined import NOW, commands, config, machine, mounted, stranger, subject, troubles

PREMIUM = Account(identity="ada@example.com", credits=100, premium_enabled=True)


@pytest.fixture
def base():
    """A place that everybody can reach and only its owner can change; those of pytest are private all the way."""
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        yield Path(place).resolve()


def folder_findings(made, **given):
    told = subject(**given)
    return list(folders.examine(made, folders.walk(made, told.person), told))


# Watched folders


def test_a_folder_that_is_there_is_all_right(base):
    """With how many sub-folders it has and how its files are noticed."""
    (base / "drop" / "a" / "b").mkdir(parents=True)

    found = folder_findings(config(base).folders[0])

    assert troubles(found) == []
    assert "it has 2 sub-folders" in found[0].what
    assert "ext4, mounted at /; files are noticed as they come" in found[1].what


def test_a_folder_that_is_not_there_is_made_by_the_command(base):
    """As it stands, with the quotes that a shell needs."""
    made = config(base, path=base / "my drop").folders[0]

    found = folder_findings(made)

    assert troubles(found) == [("problem", f'folder "drop": there is no folder {base}/my drop')]
    assert commands(found) == [f"mkdir -p '{base}/my drop'"]


def test_a_folder_on_a_disk_that_is_away_is_mounted_and_not_made(base):
    """A folder on the bare mount point would hide the mistake."""
    told = machine(fstab=f"# disks\n/dev/sdb1 {base}/disk ext4 defaults 0 2\n")
    made = config(base, path=base / "disk" / "drop").folders[0]

    found = folder_findings(made, machine=told)

    assert commands(found) == [f"sudo mount {base}/disk"]


def test_a_disk_below_a_folder_that_is_away_is_named(base):
    """Some of its files are still to be sent: else it would have been forgotten."""
    (base / "drop" / "stick").mkdir(parents=True)
    status = base.stat()
    place = {"point": f"{base}/drop/stick", "fs_type": "exfat", "source": "/dev/sdb1", "device": 1, "inode": 1}
    part = PartNote(path=f"{base}/drop/stick", **place)
    note = FolderNote(point="/", fs_type="", source="", device=status.st_dev, inode=status.st_ino, below=(part,))
    memory = Remembered(state_id="s", generation=1, folders={base / "drop": FolderNote.of(note.text())})

    found = folder_findings(config(base).folders[0], remembered=memory)

    said = f"{base}/drop/stick is not mounted: its disk or share (/dev/sdb1, exfat) is away."
    assert troubles(found) == [("problem", said)]


def test_a_disk_of_the_table_that_is_mounted_is_not_missed(base):
    """Only what is not mounted explains anything."""
    told = machine(fstab=f"/dev/sdb1 {base}/disk ext4", mounts=mounted(base / "disk", "ext4"))

    assert told.missing_mount(base / "disk" / "drop") is None
    assert replace(told, mounts=None, fstab="").missing_mount(base) is None


def test_a_sub_folder_that_may_not_be_read_is_named(base):
    """With the command for the one who runs the daemon."""
    locked = base / "drop" / "locked"
    locked.mkdir(parents=True)
    (base / "drop").chmod(0o755)
    locked.chmod(0o700)

    found = folder_findings(config(base).folders[0], person=stranger())

    assert len(troubles(found)) == 1
    assert f"{locked} may not be read and entered by anna: drwx------" in found[0].what
    assert commands(found) == [f"sudo setfacl -m u:anna:rx {locked}"]


def test_many_sub_folders_that_may_not_be_read_are_counted(base):
    """A screen full of the same helps nobody."""
    (base / "drop").mkdir()
    (base / "drop").chmod(0o755)
    for number in range(5):
        (base / "drop" / str(number)).mkdir(mode=0o700)

    found = folder_findings(config(base).folders[0], person=stranger())

    assert len(commands(found)) == 3
    assert ("warning", "and 2 more like these") in troubles(found)


def test_a_folder_without_sub_folders_counts_as_one(base):
    """What lies below is neither heard nor read."""
    (base / "drop" / "a").mkdir(parents=True)
    made = config(base, recursive=False).folders[0]

    assert folders.walk(made, people.me()).directories == 1


def test_counting_ends_in_time(base):
    """A library on a slow share must not keep a person waiting for minutes."""
    (base / "drop" / "a").mkdir(parents=True)
    times = iter([0.0, 1.0, folders.LONGEST_LOOK_S + 1])

    tree = folders.walk(config(base).folders[0], people.me(), clock=lambda: next(times))

    assert (tree.directories, tree.is_whole) == (1, False)


@pytest.mark.parametrize(
    ("kind", "watch", "level", "words"),
    [
        ("ext4", "auto", "ok", "as they come"),
        ("nfs4", "auto", "ok", "every 30 seconds, because it does not tell"),
        ("ext4", "poll", "ok", "every 30 seconds, as `watch: poll` says"),
        ("nfs4", "events", "warning", "`watch: events` relies on that"),
    ],
)
def test_how_a_folder_is_heard_is_told(base, kind, watch, level, words):
    """By the type of its file system and what the configuration says."""
    told = machine(mounts=mounted(base, kind))

    found = folders.heard(config(base, watch=watch).folders[0], told.mount(base / "drop"))

    assert str(found.level) == level
    assert words in found.what


def test_sources_that_are_deleted_need_a_folder_that_can_be_written(base):
    """Reading is not enough then."""
    (base / "drop").mkdir()
    (base / "drop").chmod(0o755)

    keeps = folder_findings(config(base).folders[0], person=stranger())
    deletes = folder_findings(config(base, source="delete").folders[0], person=stranger())
    notes = folder_findings(config(base, notes=True).folders[0], person=stranger())

    assert troubles(keeps) == []
    assert commands(notes) == commands(deletes) == [f"sudo setfacl -m u:anna:rwx {base}/drop"]


# Permissions


@pytest.mark.parametrize(
    ("mode", "person", "may"),
    [
        (0o750, {"uid": 1234}, True),
        (0o070, {"uid": 1234}, False),
        (0o070, {"groups": frozenset({77})}, True),
        (0o707, {"groups": frozenset({77})}, False),
        (0o705, {}, True),
        (0o700, {}, False),
        (0o000, {"uid": 0}, True),
    ],
)
def test_the_first_class_that_fits_decides(monkeypatch, mode, person, may):
    """As in the kernel: an owner whom the mode shuts out is out, whatever others may."""
    made = os.stat_result((0o040000 | mode, 0, 0, 1, 1234, 77, 0, 0, 0, 0))
    monkeypatch.setattr(Path, "stat", lambda _: made)
    monkeypatch.setattr(os, "listxattr", lambda _: [])

    assert (stranger(**person).blocked_at(Path("/"), people.READ | people.ENTER) is None) == may


def test_an_access_list_is_given_the_benefit_of_the_doubt(monkeypatch, base):
    """It says more than the mode, and was made by somebody who meant it."""
    (base / "locked").mkdir(mode=0o700)
    monkeypatch.setattr(os, "listxattr", lambda _: [people.ACL])

    assert stranger().blocked_at(base / "locked", people.READ) is None


def test_the_folder_on_the_way_is_named_that_stops(base):
    """Changing the last one would not help."""
    (base / "locked" / "inner").mkdir(parents=True)
    (base / "locked").chmod(0o700)

    [found] = people.refusals(stranger(), base / "locked" / "inner", people.READ)

    assert f"{base}/locked may not be entered by anna (it is on the way to {base}/locked/inner)" in found.what


def test_an_owner_is_told_the_plain_command(base):
    """Nobody needs root for what is theirs."""
    path = base / "mine"
    path.mkdir()
    mine = replace(stranger(), uid=path.stat().st_uid)

    assert people.allowing(mine, path, people.WRITE) == f"chmod u+w {path}"


def test_a_user_that_there_is_not_is_a_matter_of_usage():
    """A number needs no entry: containers have none."""
    with pytest.raises(UsageError, match='no user "nobody-of-that-name"'):
        people.named("nobody-of-that-name")

    assert people.named("54321").uid == 54321
    assert people.named(str(os.geteuid())).is_me


# Outputs


def test_an_output_is_tried_and_left_as_it_was(base):
    """Written, renamed, removed."""
    (base / "stems").mkdir()

    found = list(outputs.examine(base / "stems", subject()))

    assert troubles(found) == []
    assert "a folder was made, filled, renamed and removed" in found[0].what
    assert list((base / "stems").iterdir()) == []


def test_an_owner_that_cannot_be_had_is_a_problem(base, monkeypatch):
    """Tried as publishing does it, and nothing is left."""

    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "fchown", refuse)
    (base / "stems").mkdir()

    found = outputs.tried(base / "stems", (Access(user=54321),))

    assert "may not be given to the owner 54321:" in found.what
    assert list((base / "stems").iterdir()) == []


def test_an_output_that_was_never_used_may_be_missing(base):
    """It is made with the first results; what it is made in must be writable."""
    assert troubles(outputs.examine(base / "stems", subject())) == []
    base.chmod(0o755)
    assert commands(outputs.examine(base / "stems", subject(person=stranger()))) == [
        f"sudo setfacl -m u:anna:rwx {base}"
    ]


def test_an_output_that_was_used_and_is_gone_is_a_problem(base):
    """Its disk is away, most likely."""
    note = RootNote(point="/", fs_type="ext4", generation=1)
    memory = Remembered(state_id="s", generation=1, roots={base / "stems": note})

    found = list(outputs.examine(base / "stems", subject(remembered=memory)))

    assert troubles(found) == [("problem", f"output: there is no folder {base}/stems")]


def test_an_output_that_lost_its_claim_is_a_problem(base):
    """It was emptied, or is another folder."""
    (base / "stems").mkdir()
    note = RootNote(point="/", fs_type="ext4", generation=1)
    memory = Remembered(state_id="s", generation=1, roots={base / "stems": note})

    [found] = outputs.examine(base / "stems", subject(remembered=memory))

    assert "has lost its claim" in found.what


def test_a_disk_that_is_mounted_read_only_is_mounted_writable_by_the_command(base, monkeypatch):
    """Which permissions there are does not matter then."""
    (base / "stems").mkdir()
    real = os.statvfs(base)
    fields = [real[number] for number in range(10)]
    fields[8] |= os.ST_RDONLY
    monkeypatch.setattr(os, "statvfs", lambda _: os.statvfs_result((*fields, 0)))
    told = machine(mounts=mounted(base, "ext4"))

    found = list(outputs.examine(base / "stems", subject(machine=told)))

    assert commands(found)[0] == f"sudo mount -o remount,rw {base}"


@pytest.mark.parametrize(
    ("remembered", "words"),
    [
        (None, "what it paid for is forgotten"),
        (Remembered(state_id="other", generation=9), "belongs to another state (mine)"),
        (Remembered(state_id="mine", generation=3), "the state file is older than"),
        (Remembered(state_id="mine", generation=4), ""),
    ],
)
def test_whose_outputs_these_are_is_told(base, remembered, words):
    """What does not belong together is mended by a rebuild."""
    claims.write(base, claims.Claim(state_id="mine", generation=4, realm="mvsep", host="mvsep.com", account=""))

    found = list(outputs.claim(base, remembered))

    assert words in "".join(what for _, what in troubles(found))
    assert [command.endswith(" rebuild") for command in commands(found)] == ([True] if words else [])


def test_what_another_state_left_is_named(base):
    """Its own, now and before, is its own business."""
    for state_id in ("mine", "before", "other"):
        (base / "album" / f".mvsep-watch-{state_id}-1.part").mkdir(parents=True)
    memory = Remembered(state_id="mine", generation=1, inherited_ids=("before",))

    [(level, said)] = troubles(outputs.left_behind(base, memory))

    assert (level, ".mvsep-watch-other-1.part" in said, "before" in said) == ("warning", True, False)


@pytest.mark.parametrize(("free", "level"), [(10**6, "problem"), (10**8, "warning"), (10**11, "ok")])
def test_little_room_is_told(base, monkeypatch, free, level):
    """Before it stops anything."""
    monkeypatch.setattr(outputs.shutil, "disk_usage", lambda _: type("Usage", (), {"free": free}))

    [found] = outputs.room(base)

    assert str(found.level) == level


# State file and spool


@pytest.fixture
def kept(base):
    """A configuration with a state file that nobody has."""
    made = config(base)
    Store(made.state).close()
    return made


def state_findings(made, **given):
    return list(state.examine(made.state, subject(**given)))


def test_a_whole_state_file_is_looked_into_and_left_as_it_is(kept, base):
    """Not even the files beside it appear that a reader usually makes."""
    before = sorted(base.iterdir())

    found = state_findings(kept)
    memory = state.remembered(kept)

    assert troubles(found) == []
    assert any("it is not damaged" in each.what for each in found)
    assert memory.state_id
    assert sorted(base.iterdir()) == before


def test_a_damaged_state_file_is_rebuilt_by_the_command(kept):
    """The words of the store say what is damaged."""
    content = bytearray(kept.state.read_bytes())
    content[5000:9000] = os.urandom(4000)
    kept.state.write_bytes(content)

    found = state_findings(kept)

    assert [level for level, _ in troubles(found)] == ["problem"]
    assert commands(found)[0].endswith(" rebuild")


def test_a_newer_state_file_is_a_problem(kept):
    """It is not touched, and not read."""
    content = bytearray(kept.state.read_bytes())
    content[60:64] = (4711).to_bytes(4, "big")
    kept.state.write_bytes(content)

    found = state_findings(kept)

    assert "is of version 4711" in troubles(found)[0][1]


def test_a_state_file_that_others_can_read_is_made_private_by_the_command(kept):
    """It tells what somebody listens to."""
    kept.state.chmod(0o644)

    assert commands(state_findings(kept)) == [f"chmod 600 {kept.state}"]


def test_a_state_file_of_somebody_else_is_a_problem(kept):
    """The daemon could not start."""
    found = state_findings(kept, person=stranger())

    assert f"sudo setfacl -m u:anna:rw {kept.state}" in commands(found)


def test_who_has_the_state_is_told(kept):
    """A daemon that runs is no problem."""
    with StateLock(kept.state):
        found = state_findings(kept)

    assert troubles(found) == []
    assert any(f"it is in use by process {os.getpid()}" in each.what for each in found)


@pytest.mark.parametrize(
    ("kind", "level"), [("nfs4", "problem"), ("overlay", "warning"), ("tmpfs", "warning"), ("xfs", "ok")]
)
def test_where_a_state_file_may_lie_is_told(base, kind, level):
    """Not on a share; and not where it is lost with the container."""
    [found] = state.place(base / "s.sqlite3", machine(mounts=mounted(base, kind)))

    assert str(found.level) == level


def test_a_configuration_that_has_not_run_has_no_state_file_yet(base):
    """That is as it should be."""
    assert troubles(state_findings(config(base))) == []


def test_what_the_spool_keeps_for_no_job_is_told_by_path(base):
    """It was paid for, counts against the limit, and nothing removes it."""
    made = config(base)
    Store(made.state).close()
    folder = base / "c.state.sqlite3.spool" / ".other-7"
    folder.mkdir(parents=True)
    (folder / "Vocals.wav").write_bytes(b"music")
    found = [each for each in state.examine_spool(made) if each.hint]

    assert [(str(folder) in each.what, "5 bytes" in each.what, "limits.spool" in each.hint) for each in found] == [
        (True, True, True)
    ]


def test_what_waits_in_the_spool_is_told(base):
    """Somebody's disk is away."""
    made = config(base)
    waiting = base / "c.state.sqlite3.spool" / ".s-1"
    waiting.mkdir(parents=True)
    (waiting / "Vocals.mp3").write_bytes(bytes(2_000_000))
    waiting.parent.chmod(0o700)

    found = list(state.examine_spool(made))

    assert "1 job with 2.0 MB wait in" in troubles(found)[0][1]
    assert troubles(state.examine_spool(replace(made, limits=Limits(spool_bytes=0)))) == []


# The kernel


@pytest.fixture
def granting(tmp_path):
    """A machine whose kernel grants so much."""

    def granting(**numbers):
        place = tmp_path / "proc" / "sys" / "fs" / "inotify"
        place.mkdir(parents=True, exist_ok=True)
        for name, number in numbers.items():
            (place / name).write_text(f"{number}\n")
        return machine(proc=tmp_path / "proc")

    return granting


@pytest.mark.parametrize(
    ("needed", "used", "level", "number"),
    [
        (5000, 0, "ok", None),
        (7000, 0, "warning", 524288),
        (5000, 4000, "problem", 524288),
        (600_000, 0, "problem", 2097152),
    ],
)
def test_watches_that_do_not_suffice_are_raised_by_the_command(granting, needed, used, level, number):
    """With a number that leaves room, and lasts."""
    [found] = limits.watches(needed, used=used, machine=granting(max_user_watches=8192))

    line = f"echo fs.inotify.max_user_watches={number} | sudo tee -a {limits.SETTINGS_FILE}"
    assert str(found.level) == level
    assert found.command == ("" if number is None else f"{line} && sudo sysctl -p {limits.SETTINGS_FILE}")


def test_instances_that_are_used_up_are_a_problem(granting):
    """Without one more nothing is heard."""
    told = granting(max_user_instances=128)

    assert troubles(limits.instances(127, machine=told)) == []
    assert "fs.inotify.max_user_instances=512" in commands(limits.instances(128, machine=told))[0]


def test_a_short_queue_is_a_warning(granting):
    """What does not fit costs a scan, no more."""
    assert troubles(limits.queue(machine=granting(max_queued_events=16384))) == []
    assert [level for level, _ in troubles(limits.queue(machine=granting(max_queued_events=100)))] == ["warning"]


def test_a_kernel_that_does_not_tell_is_no_problem():
    """Folders are scanned all the same."""
    assert [level for level, _ in troubles(limits.watches(1, used=0, machine=machine()))] == ["warning"]
    assert list(limits.instances(0, machine=machine())) + list(limits.queue(machine=machine())) == []


@pytest.mark.parametrize(
    ("soft", "level"), [(1024, "ok"), (resource.RLIM_INFINITY, "ok"), (128, "warning"), (32, "problem")]
)
def test_few_open_files_are_told(soft, level):
    """A busy daemon needs some dozens."""
    assert str(limits.files(soft).level) == level


def test_what_others_hold_is_counted(tmp_path):
    """Of the same user, and without the daemon itself."""
    for pid in ("11", "12"):
        (tmp_path / pid / "fd").mkdir(parents=True)
        (tmp_path / pid / "fdinfo").mkdir()
        (tmp_path / pid / "fd" / "3").symlink_to("anon_inode:inotify")
        (tmp_path / pid / "fd" / "4").symlink_to("/dev/null")
        (tmp_path / pid / "fdinfo" / "3").write_text("pos: 0\ninotify wd:1 ino:2\ninotify wd:2 ino:3\n")

    assert limits.held_by(os.getuid(), but=12, proc=tmp_path) == (1, 2)
    assert limits.held_by(54321, but=0, proc=tmp_path) == (0, 0)


# The clock


@pytest.mark.parametrize(("off_s", "words"), [(30, []), (-90, ["1 min 30 s behind"]), (7200, ["2 h ahead of"])])
def test_a_clock_that_is_off_is_told(off_s, words):
    """By more than a minute; a little is what the way takes."""
    found = [what for _, what in troubles(clock.compared(NOW, now=NOW + off_s))]

    assert [word in what for word, what in zip(words, found, strict=True)] == [True] * len(words)


def test_a_service_that_does_not_tell_its_time_says_nothing_of_the_clock():
    """What is not known is not judged."""
    assert list(clock.compared(None, now=NOW)) == []


def test_a_time_zone_that_the_machine_does_not_know_is_told(tmp_path):
    """Days would be those of UTC, without a word."""
    (tmp_path / "Europe").mkdir()
    (tmp_path / "Europe" / "Berlin").touch()

    known = clock.zone(machine(zones=tmp_path, environ={"TZ": "Europe/Berlin"}))
    unknown = clock.zone(machine(zones=tmp_path, environ={"TZ": "Europe/Paris"}))

    assert troubles(known) == []
    assert commands(unknown) == ["sudo apt-get install tzdata"]


# The way to the service


def reached(**given):
    return Reached(**{"base_url": "https://mvsep.com", "host": "mvsep.com", **given})


def test_a_way_without_an_end_is_all_right():
    """Each stage says what it is like."""
    found = list(
        service.way(
            reached(proxy="proxy:3128", addresses=("10.0.0.1",), encryption="TLSv1.3", status=200, is_service=True)
        )
    )

    assert troubles(found) == []
    assert "through the proxy proxy:3128" in found[0].what


@pytest.mark.parametrize("stage", list(Stage))
def test_the_stage_where_the_way_ends_is_named(stage):
    """With what the machine said, and what to do."""
    [found] = service.way(reached(ends_at=stage, trouble="of all things"))
    [known] = service.way(reached(ends_at=stage, trouble="of all things", hint="set the clock"))

    assert str(found.level) == "problem"
    assert "of all things" in found.what
    assert found.hint or stage == Stage.PROXY
    assert known.hint == "set the clock" or stage in {Stage.NAME, Stage.CONNECTION}


def test_a_captive_portal_is_told_from_the_service():
    """It answers, but not as the service does."""
    [found] = service.way(reached(status=302, content_type="text/html", location="login.hotel.example"))

    assert (
        "something answers in place of mvsep.com, with 302 and text/html, and leads to login.hotel.example"
        in found.what
    )


# The account


def test_the_plan_and_what_follows_from_it_are_told():
    """As the planner reckons."""
    found = list(account.plan(PREMIUM, Limits()))

    assert troubles(found) == []
    assert found[0].what == "premium is on, with 100 credits"
    assert found[1].what.startswith("in force: 10 separations at once, any number of jobs a day, files of up to 1.0 GB")


@pytest.mark.parametrize(
    ("given", "reserve", "words"),
    [
        ({"credits": 0}, 0, "premium is on, but there are no credits"),
        ({"credits": 50}, 50, "`limits.credits.reserve` keeps 50"),
    ],
)
def test_an_account_that_stands_still_is_told(given, reserve, words):
    """Though nothing is broken."""
    [(level, what)] = troubles(account.plan(replace(PREMIUM, **given), Limits(credits=CreditLimits(reserve=reserve))))

    assert level == "warning"
    assert words in what


@pytest.mark.parametrize(("age_s", "level"), [(3600, "ok"), (4 * 86400, "warning"), (-60, "warning")])
def test_the_age_of_the_kept_catalogue_is_told(age_s, level):
    """Old prices are not believed; the future is no age."""
    assert str(account.age(KnownCatalogue(models={}, asked_at=NOW - age_s), now=NOW).level) == level


def test_without_a_place_for_the_catalogue_it_is_asked_for_each_time():
    """Somebody without a home has none."""
    _, found = account.kept(machine(), "https://mvsep.com")

    assert "XDG_CACHE_HOME" in found[0].hint


# The unit


@pytest.fixture
def units(tmp_path):
    """Install units: text by name below `system`, or `etc` for what an administrator wrote."""

    def units(text, *drop_ins):
        place = tmp_path / "systemd" / "system"
        (place / f"{NAME}.d").mkdir(parents=True)
        (place / NAME).write_text(text)
        for number, drop_in in enumerate(drop_ins):
            (place / f"{NAME}.d" / f"{number}.conf").write_text(f"[Service]\n{drop_in}\n")
        return installed([tmp_path / "systemd"])

    return units


UNIT = (
    "[Unit]\nUser=wrong\n[Service]\nExecStart=/usr/bin/env mvsep-watch -c /etc/mvsep-watch/config.yaml run\nUser=mw\n"
)


def test_no_unit_is_no_problem(tmp_path):
    """Containers and terminals have none."""
    assert installed([tmp_path]) is None
    assert troubles(unit.examine(None, subject())) == []


def test_a_unit_is_read_with_its_drop_ins(units):
    """The last value counts; an empty one begins a list anew."""
    made = units(
        UNIT, "User=anna\nReadWritePaths=/a", 'ReadWritePaths=-/b "/c d"', "ReadWritePaths=\nReadWritePaths=/e \\\n /f"
    )

    assert made.last("User") == "anna"
    assert made.words("ReadWritePaths") == ["/e", "/f"]
    assert made.config == Path("/etc/mvsep-watch/config.yaml")


def test_a_stronger_folder_hides_a_weaker_one(tmp_path):
    """What an administrator wrote in /etc counts."""
    for place, user in (("usr", "a"), ("etc", "b")):
        (tmp_path / place / "system").mkdir(parents=True)
        (tmp_path / place / "system" / NAME).write_text(f"[Service]\nUser={user}\n")

    assert installed([tmp_path / "usr", tmp_path / "etc"]).last("User") == "b"


def test_folders_that_the_unit_may_not_write_are_added_by_the_command(units, base):
    """For whoever runs it; sources that stay need nothing."""
    (base / "music").mkdir()
    made = units(f"{UNIT}ProtectSystem=strict\nReadWritePaths={base}/music\nUser=anna\n")

    found = list(unit.writable(made, config(base)))
    with_notes = list(unit.writable(made, config(base, notes=True)))

    assert f"the unit may not write in {base}, {base}/drop and {base}/stems" in troubles(with_notes)[0][1]
    assert f"the unit may not write in {base} and {base}/stems" in troubles(found)[0][1]
    assert f" -c {config(base).path} init --service --user anna && sudo systemctl daemon-reload" in commands(found)[0]


def test_a_drop_in_that_was_changed_by_hand_is_replaced_by_the_command(units, base):
    """Which keeps it beside; without the word it would only refuse."""
    made = units(f"{UNIT}ProtectSystem=strict\n")
    drop_in = made.path.parent / f"{NAME}.d" / "init.conf"
    drop_in.parent.mkdir(exist_ok=True)
    drop_in.write_text("[Service]\nUser=anna\n")

    (command,) = commands(unit.writable(made, config(base)))

    assert "init --service --user mw --force && " in command


@pytest.mark.skipif(os.geteuid() != 0, reason="who is not root sees no further than the first")
def test_all_that_is_in_somebodys_way_is_told_at_once(base, monkeypatch):
    """To root, who may look behind the first."""
    (base / "locked" / "inside").mkdir(parents=True)
    (base / "locked").chmod(0o700)
    (base / "locked" / "inside").chmod(0o700)

    found = commands(people.refusals(stranger(), base / "locked" / "inside", people.READ))

    assert found[-2:] == [
        f"sudo setfacl -m u:anna:x {base}/locked",
        f"sudo setfacl -m u:anna:r {base}/locked/inside",
    ]


def test_of_two_commands_for_one_place_neither_takes_what_the_other_gives():
    """`setfacl -m` sets all of an entry; other commands stay as they are."""
    asked = ["sudo setfacl -m u:anna:wx /a", "sudo setfacl -m u:anna:rx /a", "sudo setfacl -m u:anna:x '/a b'", "ls"]

    found = people.in_one([problem("p", hint="h", command=command) for command in asked])

    assert [each.command for each in found] == [
        "sudo setfacl -m u:anna:rwx /a",
        "sudo setfacl -m u:anna:rwx /a",
        "sudo setfacl -m u:anna:x '/a b'",
        "ls",
    ]


def test_a_unit_that_covers_its_folders_is_all_right(units, base):
    """By a folder above them, too."""
    covers = units(f"{UNIT}ProtectSystem=strict\nReadWritePaths={base}\n")

    assert troubles(unit.writable(covers, config(base, source="delete"))) == []


def test_a_folder_of_the_unit_that_is_gone_keeps_it_from_starting(units, base):
    """Unless a `-` allows for it."""
    gone = units(f"{UNIT}ReadWritePaths=/nonexistent/a -/nonexistent/b\n")

    found = list(unit.writable(gone, config(base)))

    assert [what.split(",")[0] for _, what in troubles(found)] == ["ReadWritePaths= names /nonexistent/a"]


def test_homes_that_the_unit_does_not_see_are_told(units):
    """ReadWritePaths alone does not bring them back."""
    made = units(f"{UNIT}ProtectHome=yes\nReadWritePaths=-/home\n")
    home = config(Path("/home/anna"))

    assert troubles(unit.writable(made, home)) == []
    assert (
        "ProtectHome=yes hides /home/anna and /home/anna/stems"
        in troubles(unit.writable(replace(made, values=made.values[:-1]), home))[0][1]
    )


@pytest.mark.parametrize(("mode", "word"), [(None, "install -m 600"), (0o644, "chmod 600"), (0o600, "")])
def test_the_tokens_file_of_the_unit_is_there_and_private(units, base, mode, word):
    """What it holds is not looked at."""
    made = units(f"{UNIT}LoadCredential=mvsep-token:{base}/mvsep-token\n")
    if mode is not None:
        (base / "mvsep-token").write_text("secret")
        (base / "mvsep-token").chmod(mode)

    found = list(unit.credential(made))

    assert word in "".join(commands(found))
    assert bool(commands(found)) == bool(word)


def test_a_unit_of_another_configuration_is_not_held_against_this_one(units, base):
    """Its folders are others."""
    made = units(f"{UNIT}ProtectSystem=strict\n")

    found = list(unit.examine(made, subject(path=base / "c.yaml", config=config(base))))

    assert "it runs with /etc/mvsep-watch/config.yaml" in troubles(found)[0][1]
    assert troubles(unit.examine(made, subject(path=base / "c.yaml", config=config(base)), is_alone=False)) == []


# Versions


def test_versions_are_told_and_what_is_missing_is_a_problem():
    """A library that went with somebody's upgrade."""

    def version_of(name):
        if name == "click":
            raise PackageNotFoundError
        return "1.2"

    found = list(versions.examine(["click", "httpx"], version_of))

    assert troubles(found) == [("problem", "click cannot be found")]
    assert found[-1].what == "httpx 1.2"
    assert troubles(versions.examine()) == []
