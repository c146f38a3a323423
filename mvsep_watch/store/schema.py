"""The tables, as a list of migrations: `user_version` counts how many of them a state file has seen.

A migration is a function of the connection and runs in one transaction with the new version number, so that a kill in
the middle leaves the old version. Migrations are only ever appended. Paths are blobs, the bytes that the kernel knows;
instants are seconds since 1970 in UTC (REAL), ledger days are local dates as text.
"""

from __future__ import annotations

import secrets
import sqlite3
import time

APPLICATION_ID = 0x6D777463
"""`mwtc`; tells our state files from other SQLite files."""

_FIRST = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

CREATE TABLE folders (
  name TEXT PRIMARY KEY, first_scanned_at REAL NOT NULL
) STRICT;

CREATE TABLE sources (
  id INTEGER PRIMARY KEY,
  path BLOB NOT NULL UNIQUE,
  folder TEXT NOT NULL,
  state TEXT NOT NULL,              -- known, refused, skipped, ignored
  reason TEXT NOT NULL DEFAULT '', hint TEXT NOT NULL DEFAULT '',
  size_bytes INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, ctime_ns INTEGER NOT NULL,
  inode INTEGER NOT NULL, device INTEGER NOT NULL,
  input_key TEXT, duration_s REAL,
  seen_at REAL NOT NULL,
  dispose_pending INTEGER NOT NULL DEFAULT 0, dispose_not_before REAL NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX sources_by_input ON sources (input_key);
CREATE INDEX sources_to_dispose ON sources (dispose_not_before) WHERE dispose_pending;

CREATE TABLE separations (
  id INTEGER PRIMARY KEY AUTOINCREMENT, -- never used again: a late hand must not match a newer row
  realm TEXT NOT NULL, input_key TEXT NOT NULL, settings TEXT NOT NULL, attempt INTEGER NOT NULL,
  state TEXT NOT NULL, tag TEXT NOT NULL, upload_name TEXT NOT NULL,
  host TEXT NOT NULL, account TEXT NOT NULL, hash TEXT,
  send INTEGER NOT NULL DEFAULT 0, releases INTEGER NOT NULL DEFAULT 0, watermark INTEGER NOT NULL DEFAULT 0,
  size_bytes INTEGER NOT NULL, duration_s REAL,
  credits_estimated INTEGER NOT NULL, credits_charged INTEGER, reserved_day TEXT NOT NULL,
  keeps_slot INTEGER NOT NULL DEFAULT 1, cancel_wanted INTEGER NOT NULL DEFAULT 0,
  balance_read INTEGER NOT NULL DEFAULT 0,
  server_says TEXT NOT NULL DEFAULT '', algorithm TEXT NOT NULL DEFAULT '', reason TEXT NOT NULL DEFAULT '',
  failures INTEGER NOT NULL DEFAULT 0, polls INTEGER NOT NULL DEFAULT 0, not_before REAL NOT NULL DEFAULT 0,
  intended_at REAL NOT NULL, released_at REAL, submitted_at REAL, ended_at REAL,
  UNIQUE (realm, input_key, settings, attempt)
) STRICT;
CREATE INDEX separations_unfinished ON separations (state, not_before)
  WHERE state IN ('intended', 'released', 'submitted');
CREATE INDEX separations_unread ON separations (balance_read)
  WHERE balance_read = 0 AND credits_estimated > 0;
CREATE INDEX separations_unsettled ON separations (ended_at) WHERE credits_charged IS NULL AND hash IS NOT NULL;
CREATE INDEX separations_by_hash ON separations (hash);
CREATE INDEX separations_by_tag ON separations (tag);
CREATE INDEX separations_by_release ON separations (reserved_day);

CREATE TABLE jobs (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  source_id INTEGER NOT NULL REFERENCES sources (id),
  folder TEXT NOT NULL, rule TEXT NOT NULL,
  realm TEXT NOT NULL, input_key TEXT NOT NULL, asked TEXT NOT NULL, settings TEXT,
  separation_id INTEGER REFERENCES separations (id),
  state TEXT NOT NULL, priority INTEGER NOT NULL,
  output_root BLOB NOT NULL, final BLOB NOT NULL,
  batch_id INTEGER NOT NULL REFERENCES batches (id),
  reason TEXT NOT NULL DEFAULT '', hint TEXT NOT NULL DEFAULT '',
  hold TEXT, resume TEXT, price INTEGER,
  redo_of INTEGER REFERENCES jobs (id), attempt_wanted INTEGER, price_allowed INTEGER,
  replaces INTEGER NOT NULL DEFAULT 0,
  failures INTEGER NOT NULL DEFAULT 0, not_before REAL NOT NULL DEFAULT 0,
  queued_at REAL NOT NULL, fetched_at REAL, finished_at REAL
) STRICT;
CREATE INDEX jobs_waiting ON jobs (folder, priority DESC, id, not_before)
  WHERE state = 'queued' AND separation_id IS NULL;
CREATE INDEX jobs_to_do ON jobs (state, not_before) WHERE state IN ('separated', 'fetched');
CREATE INDEX jobs_live ON jobs (state) WHERE state NOT IN ('published', 'failed', 'cancelled');
CREATE INDEX jobs_badly_ended ON jobs (state) WHERE state IN ('failed', 'cancelled');
CREATE INDEX jobs_by_source ON jobs (source_id);
CREATE INDEX jobs_by_input ON jobs (input_key);
CREATE INDEX jobs_by_separation ON jobs (separation_id);
CREATE INDEX jobs_by_batch ON jobs (batch_id, id);
CREATE INDEX jobs_by_final ON jobs (final);

CREATE TABLE job_counts (state TEXT PRIMARY KEY, n INTEGER NOT NULL) STRICT;
CREATE TRIGGER job_added AFTER INSERT ON jobs BEGIN
  INSERT INTO job_counts VALUES (NEW.state, 1) ON CONFLICT (state) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER job_moved AFTER UPDATE OF state ON jobs WHEN OLD.state <> NEW.state BEGIN
  UPDATE job_counts SET n = n - 1 WHERE state = OLD.state;
  INSERT INTO job_counts VALUES (NEW.state, 1) ON CONFLICT (state) DO UPDATE SET n = n + 1;
END;

CREATE TABLE outputs (
  job_id INTEGER NOT NULL REFERENCES jobs (id), position INTEGER NOT NULL,
  stem TEXT NOT NULL, name TEXT NOT NULL, size_bytes INTEGER NOT NULL, sha256 TEXT NOT NULL,
  PRIMARY KEY (job_id, position)
) STRICT;

CREATE TABLE batches (
  id INTEGER PRIMARY KEY, folder TEXT NOT NULL, origin TEXT NOT NULL,
  opened_at REAL NOT NULL, closed_at REAL, approved_at REAL, must_ask INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX batches_open ON batches (folder) WHERE closed_at IS NULL;

CREATE TABLE approvals (
  realm TEXT NOT NULL, input_key TEXT NOT NULL, settings TEXT NOT NULL, attempt INTEGER NOT NULL,
  credits INTEGER, approved_at REAL NOT NULL,
  PRIMARY KEY (realm, input_key, settings, attempt)
) STRICT;

CREATE TABLE transitions (
  id INTEGER PRIMARY KEY, at REAL NOT NULL, subject TEXT NOT NULL, subject_id INTEGER NOT NULL,
  from_state TEXT, to_state TEXT NOT NULL, reason TEXT NOT NULL
) STRICT;
CREATE INDEX transitions_of ON transitions (subject, subject_id);

CREATE TABLE ledger (
  id INTEGER PRIMARY KEY, at REAL NOT NULL, day TEXT NOT NULL,
  separation_id INTEGER NOT NULL,   -- outlives an intent that was given up
  entry TEXT NOT NULL,              -- reserved, moved, released, charged, given_back
  credits INTEGER NOT NULL
) STRICT;
CREATE INDEX ledger_by_day ON ledger (day, credits);
CREATE INDEX ledger_by_separation ON ledger (separation_id);

CREATE TABLE requests (
  id INTEGER PRIMARY KEY, at REAL NOT NULL, command TEXT NOT NULL, arguments TEXT NOT NULL,
  applied_at REAL, answer TEXT
) STRICT;
CREATE INDEX requests_open ON requests (id) WHERE applied_at IS NULL;

CREATE TABLE gates (
  name TEXT NOT NULL, scope TEXT NOT NULL, reason TEXT NOT NULL, hint TEXT NOT NULL, since REAL NOT NULL,
  PRIMARY KEY (name, scope)
) STRICT;

CREATE TABLE accounts (
  realm TEXT NOT NULL, account TEXT NOT NULL,
  credits INTEGER, premium_enabled INTEGER NOT NULL, read_at REAL NOT NULL,
  history_known_id INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (realm, account)
) STRICT;

CREATE TABLE history (
  realm TEXT NOT NULL, account TEXT NOT NULL, history_id INTEGER NOT NULL,
  tag TEXT NOT NULL, hash TEXT NOT NULL, credits INTEGER, hours_left INTEGER, seen_at REAL NOT NULL,
  PRIMARY KEY (realm, account, history_id)
) STRICT;
CREATE INDEX history_by_tag ON history (tag);

CREATE TABLE sightings (
  realm TEXT NOT NULL, account TEXT NOT NULL, host TEXT NOT NULL,
  seen INTEGER NOT NULL DEFAULT 0, was_late INTEGER NOT NULL DEFAULT 0, longest_lag_s REAL NOT NULL DEFAULT 0,
  PRIMARY KEY (realm, account, host)
) STRICT;
"""


def _first(db: sqlite3.Connection) -> None:
    for statement in _statements(_FIRST):
        db.execute(statement)
    meta = {
        "state_id": secrets.token_hex(6),
        "generation": "0",
        "created_at": str(time.time()),
    }
    db.executemany("INSERT INTO meta VALUES (?, ?)", meta.items())


def _statements(script: str) -> list[str]:
    """Split a script into whole statements; `executescript` would commit behind our back."""
    found, current = [], ""
    for line in script.splitlines(keepends=True):
        current += line
        if sqlite3.complete_statement(current):
            found.append(current)
            current = ""
    return found


_ONE_OFFS = """
CREATE TABLE one_offs (
  name TEXT PRIMARY KEY, spec TEXT NOT NULL, asked_at REAL NOT NULL,
  job_id INTEGER REFERENCES jobs (id),
  is_refused INTEGER NOT NULL DEFAULT 0, reason TEXT NOT NULL DEFAULT '', hint TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX jobs_one_off ON jobs (output_root)
  WHERE folder GLOB 'separate/*' AND state NOT IN ('published', 'failed', 'cancelled');
"""


_DURATIONS = """
CREATE TABLE durations (
  realm TEXT NOT NULL, settings TEXT NOT NULL, has_premium INTEGER NOT NULL,
  seconds_per_minute REAL NOT NULL, spread REAL NOT NULL, count INTEGER NOT NULL, learned_at REAL NOT NULL,
  PRIMARY KEY (realm, settings, has_premium)
) STRICT;
CREATE INDEX durations_by_age ON durations (learned_at);
"""


def _second(db: sqlite3.Connection) -> None:
    """Tell inputs from bytes, links' hashes from separations', ledgers by realm; keep untagged rows, and one-offs."""
    for statement in (
        "ALTER TABLE jobs ADD COLUMN bytes_key TEXT NOT NULL DEFAULT ''",
        "UPDATE jobs SET bytes_key = input_key",
        "ALTER TABLE sources RENAME COLUMN input_key TO bytes_key",
        "CREATE INDEX jobs_by_bytes ON jobs (bytes_key)",
        "ALTER TABLE separations ADD COLUMN link_hash TEXT",
        "ALTER TABLE separations ADD COLUMN is_doubted INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE separations ADD COLUMN delete_pending INTEGER NOT NULL DEFAULT 0",
        "CREATE INDEX separations_to_delete ON separations (not_before) WHERE delete_pending",
        "ALTER TABLE history ADD COLUMN sep_type INTEGER",
        "ALTER TABLE history ADD COLUMN created_at TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE separations ADD COLUMN began_for INTEGER REFERENCES jobs (id)",
        "ALTER TABLE ledger ADD COLUMN realm TEXT NOT NULL DEFAULT ''",
        "UPDATE ledger SET realm = coalesce((SELECT realm FROM separations WHERE id = separation_id), '')",
        "DROP INDEX ledger_by_day",
        "CREATE INDEX ledger_by_day ON ledger (realm, day, credits)",
        *_statements(_ONE_OFFS),
        *_statements(_DURATIONS),
    ):
        db.execute(statement)


_NOTES = """
CREATE TABLE notes (
  source_id INTEGER PRIMARY KEY,      -- outlives its source: a note that is there must be removed
  path BLOB NOT NULL DEFAULT x'',     -- the source beside which a note of ours lies; empty where none does
  written TEXT NOT NULL DEFAULT '',   -- the hash of what it says
  is_due INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE INDEX notes_due ON notes (source_id) WHERE is_due;
CREATE TRIGGER note_of_job AFTER UPDATE OF state, reason, hint, hold ON jobs
WHEN OLD.state IN ('held', 'failed') OR NEW.state IN ('held', 'failed') BEGIN
  INSERT INTO notes (source_id) VALUES (NEW.source_id) ON CONFLICT (source_id) DO UPDATE SET is_due = 1;
END;
CREATE TRIGGER note_of_next_job AFTER INSERT ON jobs BEGIN
  UPDATE notes SET is_due = 1 WHERE source_id = NEW.source_id;
END;
CREATE TRIGGER note_of_refused AFTER INSERT ON sources WHEN NEW.state = 'refused' BEGIN
  INSERT INTO notes (source_id) VALUES (NEW.id) ON CONFLICT (source_id) DO UPDATE SET is_due = 1;
END;
CREATE TRIGGER note_of_source AFTER UPDATE OF path, state, reason, hint ON sources
WHEN 'refused' IN (OLD.state, NEW.state)
  OR EXISTS (SELECT 1 FROM jobs WHERE source_id = NEW.id AND state IN ('held', 'failed')) BEGIN
  INSERT INTO notes (source_id) VALUES (NEW.id) ON CONFLICT (source_id) DO UPDATE SET is_due = 1;
END;
CREATE TRIGGER note_of_nothing AFTER DELETE ON sources BEGIN
  UPDATE notes SET is_due = 1 WHERE source_id = OLD.id;
END;
"""


_LINE = """
ALTER TABLE jobs ADD COLUMN line BLOB NOT NULL DEFAULT x'';  -- what was queued before comes first, by age
DROP INDEX jobs_waiting;
CREATE INDEX jobs_waiting ON jobs (folder, priority DESC, line, id, not_before)
  WHERE state = 'queued' AND separation_id IS NULL;
"""


def _third(db: sqlite3.Connection) -> None:
    """Add what later versions remember, column by column; drop what nobody reads."""
    for statement in (
        "ALTER TABLE jobs DROP COLUMN price_allowed",
        "ALTER TABLE jobs ADD COLUMN is_flat INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE jobs ADD COLUMN takes_short INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE sources ADD COLUMN xxh3 TEXT",
        "ALTER TABLE sources DROP COLUMN inode",
        "ALTER TABLE sources DROP COLUMN device",
        "CREATE INDEX sources_refused ON sources (folder, seen_at) WHERE state = 'refused'",
        "ALTER TABLE separations ADD COLUMN asked INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE separations ADD COLUMN deleted_at REAL",
        "ALTER TABLE approvals ADD COLUMN saw_rows INTEGER NOT NULL DEFAULT 0",
        "CREATE INDEX jobs_hinted ON jobs (hint, id) WHERE state = 'queued' AND separation_id IS NULL AND hint <> ''",
        "CREATE TABLE copies (folder BLOB NOT NULL, sha256 TEXT NOT NULL, PRIMARY KEY (folder, sha256)) STRICT",
        *_statements(_NOTES),
        *_statements(_LINE),
    ):
        db.execute(statement)


MIGRATIONS = (_first, _second, _third)
