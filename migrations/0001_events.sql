-- Times are integer microseconds since 1970 UTC, money integer nano-dollars, names ids of `name` (0: none).
CREATE TABLE meta (key TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
CREATE TABLE name (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT;

-- One row a request. An `id` that is a UUID is a blob of 16 bytes, any other a text. `model` is the one asked
-- first, else the one decided for; latency, tokens and cost are those of the whole request. The only attempt of a
-- request has no row in `attempt` when it ended well without a reason: it stands here. There is no secondary index on
-- purpose: `zone` finds rows by time, `id_run` by id.
CREATE TABLE request (
  row INTEGER PRIMARY KEY,
  ts INTEGER NOT NULL,
  id ANY NOT NULL,
  session INTEGER,
  route INTEGER NOT NULL,
  task_class INTEGER NOT NULL,
  policy INTEGER NOT NULL,
  rule INTEGER NOT NULL,
  tier INTEGER NOT NULL,
  reason INTEGER NOT NULL,
  outcome INTEGER NOT NULL,
  flags INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  model INTEGER NOT NULL,
  latency_us INTEGER,
  ttft_us INTEGER,
  input_tokens INTEGER,
  output_tokens INTEGER,
  cost_nano INTEGER,
  hash INTEGER NOT NULL
) STRICT;

-- place: 65536 times the request's row, plus the attempt's index: appended in order, and found by a range.
CREATE TABLE attempt (
  place INTEGER PRIMARY KEY,
  n INTEGER NOT NULL,
  start INTEGER,
  key INTEGER NOT NULL,
  model INTEGER NOT NULL,
  tier INTEGER NOT NULL,
  provider INTEGER NOT NULL,
  outcome INTEGER NOT NULL,
  reason INTEGER NOT NULL,
  latency_us INTEGER,
  ttft_us INTEGER,
  input_tokens INTEGER,
  output_tokens INTEGER,
  cost_nano INTEGER
) STRICT;

-- is_session: given by a correction that named only the session; such a one may move to another request.
CREATE TABLE correction (
  request INTEGER NOT NULL,
  is_session INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  author INTEGER NOT NULL,
  ts INTEGER,
  after_us INTEGER,
  PRIMARY KEY (request, is_session)
) STRICT, WITHOUT ROWID;

-- request IS NULL: an orphan that waits for its request.
CREATE TABLE session_correction (
  session INTEGER NOT NULL,
  ts INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  author INTEGER NOT NULL,
  made_at INTEGER,
  after_us INTEGER,
  request INTEGER,
  PRIMARY KEY (session, ts, kind, author)
) STRICT, WITHOUT ROWID;

CREATE TABLE conflict (request INTEGER NOT NULL, field TEXT NOT NULL, count INTEGER NOT NULL,
  PRIMARY KEY (request, field)) STRICT, WITHOUT ROWID;
-- The same by the generation that told the other account: how often, and the first of them (its request and place).
CREATE TABLE conflict_count (generation INTEGER NOT NULL, field TEXT NOT NULL, count INTEGER NOT NULL,
  request INTEGER NOT NULL, offset INTEGER NOT NULL, PRIMARY KEY (generation, field)) STRICT, WITHOUT ROWID;
CREATE TABLE policy (name INTEGER PRIMARY KEY, first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL,
  requests INTEGER NOT NULL) STRICT;
-- Every policy text ever added, by its id (name@version#hash); the newest has the largest rowid.
CREATE TABLE policy_text (id TEXT NOT NULL UNIQUE, text TEXT NOT NULL, added_at INTEGER NOT NULL) STRICT;
CREATE TABLE marker (ts INTEGER NOT NULL, label INTEGER NOT NULL, kind INTEGER NOT NULL, route INTEGER NOT NULL,
  PRIMARY KEY (ts, label, kind, route)) STRICT, WITHOUT ROWID;

-- What has no column, up to 512 rows a block; a patch replaces the record of a row changed later.
CREATE TABLE residual (first_row INTEGER PRIMARY KEY, last_row INTEGER NOT NULL, body BLOB NOT NULL) STRICT;
CREATE TABLE residual_patch (row INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;

-- The way from time to rows, up to 512 rows a zone.
CREATE TABLE zone (first_row INTEGER PRIMARY KEY, last_row INTEGER NOT NULL, ts_min INTEGER NOT NULL,
  ts_max INTEGER NOT NULL) STRICT;

-- cell: 1048576 times the minutes, hours or days since 1970 UTC, plus the route (0: unknown).
CREATE TABLE rollup_minute (
  cell INTEGER PRIMARY KEY,
  requests INTEGER NOT NULL, completed INTEGER NOT NULL, failed INTEGER NOT NULL, cancelled INTEGER NOT NULL,
  unfinished INTEGER NOT NULL, attempts INTEGER NOT NULL, attempted INTEGER NOT NULL, first_pass INTEGER NOT NULL,
  first_pass_lenient INTEGER NOT NULL, escalated INTEGER NOT NULL, fallback INTEGER NOT NULL,
  correctable INTEGER NOT NULL, corrected INTEGER NOT NULL, uncorrectable INTEGER NOT NULL,
  cost_known INTEGER NOT NULL, cost_known_completed INTEGER NOT NULL, cost_estimated INTEGER NOT NULL,
  cost_nano INTEGER NOT NULL, cost_completed_nano INTEGER NOT NULL, latency BLOB NOT NULL, ttft BLOB NOT NULL, detail BLOB NOT NULL
) STRICT;
CREATE TABLE rollup_hour (
  cell INTEGER PRIMARY KEY,
  requests INTEGER NOT NULL, completed INTEGER NOT NULL, failed INTEGER NOT NULL, cancelled INTEGER NOT NULL,
  unfinished INTEGER NOT NULL, attempts INTEGER NOT NULL, attempted INTEGER NOT NULL, first_pass INTEGER NOT NULL,
  first_pass_lenient INTEGER NOT NULL, escalated INTEGER NOT NULL, fallback INTEGER NOT NULL,
  correctable INTEGER NOT NULL, corrected INTEGER NOT NULL, uncorrectable INTEGER NOT NULL,
  cost_known INTEGER NOT NULL, cost_known_completed INTEGER NOT NULL, cost_estimated INTEGER NOT NULL,
  cost_nano INTEGER NOT NULL, cost_completed_nano INTEGER NOT NULL, latency BLOB NOT NULL, ttft BLOB NOT NULL, detail BLOB NOT NULL
) STRICT;
CREATE TABLE rollup_day (
  cell INTEGER PRIMARY KEY,
  requests INTEGER NOT NULL, completed INTEGER NOT NULL, failed INTEGER NOT NULL, cancelled INTEGER NOT NULL,
  unfinished INTEGER NOT NULL, attempts INTEGER NOT NULL, attempted INTEGER NOT NULL, first_pass INTEGER NOT NULL,
  first_pass_lenient INTEGER NOT NULL, escalated INTEGER NOT NULL, fallback INTEGER NOT NULL,
  correctable INTEGER NOT NULL, corrected INTEGER NOT NULL, uncorrectable INTEGER NOT NULL,
  cost_known INTEGER NOT NULL, cost_known_completed INTEGER NOT NULL, cost_estimated INTEGER NOT NULL,
  cost_nano INTEGER NOT NULL, cost_completed_nano INTEGER NOT NULL, latency BLOB NOT NULL, ttft BLOB NOT NULL, detail BLOB NOT NULL
) STRICT;

-- Sorted runs of (keyed hash, row): the way from an id, a tie or a session to rows.
CREATE TABLE id_run (run INTEGER PRIMARY KEY, entries INTEGER NOT NULL, first_chunk INTEGER NOT NULL,
  newest INTEGER NOT NULL, filter BLOB NOT NULL, fences BLOB NOT NULL) STRICT;
CREATE TABLE id_chunk (chunk INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;

CREATE TABLE source (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE generation (
  id INTEGER PRIMARY KEY, source INTEGER NOT NULL REFERENCES source(id),
  home TEXT NOT NULL, path TEXT NOT NULL,
  device INTEGER NOT NULL, inode INTEGER NOT NULL, is_compressed INTEGER NOT NULL,
  offset INTEGER NOT NULL DEFAULT 0, head_len INTEGER NOT NULL DEFAULT 0, head_hash INTEGER NOT NULL DEFAULT 0,
  tail_len INTEGER NOT NULL DEFAULT 0, tail_hash INTEGER NOT NULL DEFAULT 0, state INTEGER NOT NULL DEFAULT 0,
  lines INTEGER NOT NULL DEFAULT 0, bytes INTEGER NOT NULL DEFAULT 0, blank INTEGER NOT NULL DEFAULT 0,
  noise INTEGER NOT NULL DEFAULT 0, quarantined INTEGER NOT NULL DEFAULT 0, events INTEGER NOT NULL DEFAULT 0,
  duplicates INTEGER NOT NULL DEFAULT 0, conflicts INTEGER NOT NULL DEFAULT 0, newest_ts INTEGER,
  opened_at INTEGER NOT NULL, read_at INTEGER, noise_sample TEXT,
  -- born: when the file was made, in microseconds, 0 unknown. size, modified (nanoseconds): of the file when last
  -- looked at, 0 for pipes and compressed files.
  born INTEGER NOT NULL DEFAULT 0, size INTEGER NOT NULL DEFAULT 0,
  modified INTEGER NOT NULL DEFAULT 0, repeated INTEGER NOT NULL DEFAULT 0,
  mark_bytes INTEGER NOT NULL DEFAULT 0,
  -- Whether the user's mapping made its lines carry corrections.
  maps_corrections INTEGER NOT NULL DEFAULT 0,
  -- By how many microseconds the newest event of the last batch was ahead of the clock here, negative behind;
  -- NULL: nothing was read as it was written.
  skew INTEGER
) STRICT;
-- Which lines of a generation were read, up to 512 a block: for files that shrink and copies that end early.
CREATE TABLE line_mark (generation INTEGER NOT NULL, first_offset INTEGER NOT NULL, lines INTEGER NOT NULL,
  body BLOB NOT NULL, PRIMARY KEY (generation, first_offset)) STRICT, WITHOUT ROWID;
-- Bytes that were lost before they were read, or may have been (to_offset IS NULL: how many is not known).
CREATE TABLE gap (generation INTEGER NOT NULL, from_offset INTEGER NOT NULL, to_offset INTEGER,
  cause INTEGER NOT NULL, noticed_at INTEGER NOT NULL, PRIMARY KEY (generation, from_offset)) STRICT, WITHOUT ROWID;
CREATE TABLE generation_format (generation INTEGER NOT NULL, format INTEGER NOT NULL, lines INTEGER NOT NULL,
  PRIMARY KEY (generation, format)) STRICT, WITHOUT ROWID;
CREATE TABLE generation_field (generation INTEGER NOT NULL, field INTEGER NOT NULL, count INTEGER NOT NULL,
  PRIMARY KEY (generation, field)) STRICT, WITHOUT ROWID;
-- Records that were accepted but tell nothing that is stored, by what they are.
CREATE TABLE generation_aside (generation INTEGER NOT NULL, what INTEGER NOT NULL, count INTEGER NOT NULL,
  PRIMARY KEY (generation, what)) STRICT, WITHOUT ROWID;

-- The lines in quarantine, bounded; reject_count has the exact counts and the first line of each reason.
CREATE TABLE quarantine (generation INTEGER NOT NULL, offset INTEGER NOT NULL, len INTEGER NOT NULL,
  hash INTEGER NOT NULL, reason TEXT NOT NULL, detail TEXT NOT NULL, first_seen INTEGER NOT NULL,
  PRIMARY KEY (generation, offset)) STRICT, WITHOUT ROWID;
-- The lines themselves, redacted, of sources that cannot be read again; meta kept_bytes counts their bytes.
CREATE TABLE quarantine_line (generation INTEGER NOT NULL, offset INTEGER NOT NULL, kept_at INTEGER NOT NULL,
  line TEXT NOT NULL, PRIMARY KEY (generation, offset)) STRICT, WITHOUT ROWID;
CREATE TABLE reject_count (generation INTEGER NOT NULL, reason TEXT NOT NULL, count INTEGER NOT NULL,
  offset INTEGER NOT NULL, len INTEGER NOT NULL, detail TEXT NOT NULL, first_seen INTEGER NOT NULL,
  PRIMARY KEY (generation, reason)) STRICT, WITHOUT ROWID;
