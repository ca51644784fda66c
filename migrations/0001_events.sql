-- Times are integer microseconds since 1970 UTC, money integer nano-dollars, names ids of `name` (0: none).
CREATE TABLE meta (key TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
CREATE TABLE name (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT;

-- What many requests have in common, kept once; two rows may be alike. `model` is the one asked first, else the
-- one decided for; `attempts` is how many there were.
CREATE TABLE profile (
  id INTEGER PRIMARY KEY,
  route INTEGER NOT NULL,
  task_class INTEGER NOT NULL,
  policy INTEGER NOT NULL,
  rule INTEGER NOT NULL,
  tier INTEGER NOT NULL,
  reason INTEGER NOT NULL,
  model INTEGER NOT NULL,
  outcome INTEGER NOT NULL,
  flags INTEGER NOT NULL,
  attempts INTEGER NOT NULL
) STRICT;

-- One row a request. An `id` that is a UUID is a blob of 16 bytes, any other a text. Latency, tokens and cost are
-- those of the whole request. The only attempt of a request has no row in `attempt` when it ended well without a
-- reason: it stands here. There is no secondary index on purpose: `zone` finds rows by time, `id_run` by id.
CREATE TABLE request (
  row INTEGER PRIMARY KEY,
  ts INTEGER NOT NULL,
  id ANY NOT NULL,
  session INTEGER,
  profile INTEGER NOT NULL,
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

-- When rows were stored, about once a minute: those from first_row on were stored at that time or later.
CREATE TABLE landed (first_row INTEGER PRIMARY KEY, at INTEGER NOT NULL) STRICT;

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

-- Requests counted by minute and by the tuple of what was known of them before their outcome. The dictionary of
-- tuples only grows, up to 65,001; slice_value has the values of each attribute that are told apart.
CREATE TABLE slice_tuple (id INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;
CREATE TABLE slice_value (attribute INTEGER NOT NULL, value INTEGER NOT NULL,
  PRIMARY KEY (attribute, value)) STRICT, WITHOUT ROWID;
-- minute: minutes since 1970 UTC.
CREATE TABLE slice_minute (minute INTEGER PRIMARY KEY, counts BLOB NOT NULL, costs BLOB NOT NULL,
  loads BLOB NOT NULL) STRICT;

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

-- For people with sqlite3: names, words and units instead of numbers. Columns are only ever added.
CREATE VIEW requests AS SELECT
  r.row AS row,
  strftime('%Y-%m-%dT%H:%M:%fZ', r.ts / 1000000.0, 'unixepoch') AS time,
  r.ts AS ts_us,
  CASE typeof(r.id) WHEN 'blob' THEN lower(substr(hex(r.id), 1, 8) || '-' || substr(hex(r.id), 9, 4) || '-' ||
    substr(hex(r.id), 13, 4) || '-' || substr(hex(r.id), 17, 4) || '-' || substr(hex(r.id), 21)) ELSE r.id END AS request_id,
  printf('%016x', r.session) AS session,
  coalesce((SELECT text FROM name WHERE id = p.route), '(unknown)') AS route,
  (SELECT text FROM name WHERE id = p.task_class) AS task_class,
  (SELECT text FROM name WHERE id = p.policy) AS policy,
  (SELECT text FROM name WHERE id = p.rule) AS rule,
  (SELECT text FROM name WHERE id = p.tier) AS tier,
  (SELECT text FROM name WHERE id = p.reason) AS reason,
  (SELECT text FROM name WHERE id = p.model) AS model,
  CASE p.outcome WHEN 1 THEN 'completed' WHEN 2 THEN 'failed' WHEN 3 THEN 'cancelled' END AS outcome,
  p.attempts AS attempts,
  (p.flags & 32) <> 0 OR EXISTS (SELECT 1 FROM attempt a
    WHERE a.place BETWEEN r.row * 65536 AND r.row * 65536 + 65535 AND a.outcome = 1) AS escalated,
  (p.flags & 16) <> 0 OR EXISTS (SELECT 1 FROM attempt a
    WHERE a.place BETWEEN r.row * 65536 AND r.row * 65536 + 65535 AND a.outcome IN (2, 3, 4)) AS fallback,
  EXISTS (SELECT 1 FROM correction c WHERE c.request = r.row) AS corrected,
  r.latency_us / 1000.0 AS latency_ms,
  r.ttft_us / 1000.0 AS ttft_ms,
  r.input_tokens AS input_tokens,
  r.output_tokens AS output_tokens,
  r.cost_nano / 1e9 AS cost_usd
FROM request r JOIN profile p ON p.id = r.profile;

-- n counts from 1 in the order of the chain. Of the only attempt of a request that ended well, tier and provider
-- are not told here.
CREATE VIEW attempts AS SELECT
  r.request_id AS request_id, r.row AS row, r.time AS time, r.route AS route,
  a.place - r.row * 65536 + 1 AS n,
  (SELECT text FROM name WHERE id = a.model) AS model,
  (SELECT text FROM name WHERE id = a.tier) AS tier,
  (SELECT text FROM name WHERE id = a.provider) AS provider,
  CASE a.outcome WHEN 0 THEN 'ok' WHEN 1 THEN 'escalated' WHEN 2 THEN 'error' WHEN 3 THEN 'timeout'
    WHEN 4 THEN 'skipped' WHEN 5 THEN 'cancelled' END AS outcome,
  (SELECT text FROM name WHERE id = a.reason) AS reason,
  a.latency_us / 1000.0 AS latency_ms, a.ttft_us / 1000.0 AS ttft_ms,
  a.input_tokens AS input_tokens, a.output_tokens AS output_tokens, a.cost_nano / 1e9 AS cost_usd
FROM attempt a JOIN requests r ON r.row = a.place / 65536
UNION ALL SELECT
  r.request_id, r.row, r.time, r.route, 1, r.model, NULL, NULL, 'ok', NULL,
  r.latency_ms, r.ttft_ms, r.input_tokens, r.output_tokens, r.cost_usd
FROM requests r WHERE r.attempts = 1 AND NOT EXISTS (SELECT 1 FROM attempt a WHERE a.place = r.row * 65536);

-- via: whether the correction named the request, or its session only.
CREATE VIEW corrections AS SELECT
  r.request_id AS request_id, r.row AS row, r.route AS route,
  CASE c.kind WHEN 1 THEN 'edit' WHEN 2 THEN 'regenerate' WHEN 3 THEN 'rephrase' WHEN 4 THEN 'thumbs_down'
    WHEN 5 THEN 'takeover' ELSE 'other' END AS kind,
  CASE c.author WHEN 1 THEN 'user' WHEN 2 THEN 'reviewer' WHEN 3 THEN 'judge' ELSE 'unknown' END AS by,
  strftime('%Y-%m-%dT%H:%M:%fZ', c.ts / 1000000.0, 'unixepoch') AS time,
  c.after_us / 1e6 AS after_s,
  CASE c.is_session WHEN 0 THEN 'request' ELSE 'session' END AS via
FROM correction c JOIN requests r ON r.row = c.request;

-- level: minute, hour or day; sum one of them only. Quantiles are in blobs, which only routetop reads.
CREATE VIEW rollups AS SELECT
  level, strftime('%Y-%m-%dT%H:%M:%SZ', start_us / 1000000, 'unixepoch') AS start, start_us,
  coalesce((SELECT text FROM name WHERE id = c.route), '(unknown)') AS route,
  requests,completed,failed,cancelled,unfinished,attempts,attempted,first_pass,first_pass_lenient,escalated,fallback,
  correctable,corrected,uncorrectable,cost_known,cost_known_completed,cost_estimated,
  cost_nano / 1e9 AS cost_usd, cost_completed_nano / 1e9 AS cost_completed_usd
FROM (
SELECT 'minute' AS level, (cell >> 20) * 60000000 AS start_us, cell & 1048575 AS route,
  requests,completed,failed,cancelled,unfinished,attempts,attempted,first_pass,first_pass_lenient,escalated,fallback,
  correctable,corrected,uncorrectable,cost_known,cost_known_completed,cost_estimated,
  cost_nano, cost_completed_nano FROM rollup_minute
UNION ALL SELECT 'hour' AS level, (cell >> 20) * 3600000000 AS start_us, cell & 1048575 AS route,
  requests,completed,failed,cancelled,unfinished,attempts,attempted,first_pass,first_pass_lenient,escalated,fallback,
  correctable,corrected,uncorrectable,cost_known,cost_known_completed,cost_estimated,
  cost_nano, cost_completed_nano FROM rollup_hour
UNION ALL SELECT 'day' AS level, (cell >> 20) * 86400000000 AS start_us, cell & 1048575 AS route,
  requests,completed,failed,cancelled,unfinished,attempts,attempted,first_pass,first_pass_lenient,escalated,fallback,
  correctable,corrected,uncorrectable,cost_known,cost_known_completed,cost_estimated,
  cost_nano, cost_completed_nano FROM rollup_day
) c;
