-- Actions and their plans. Times are Unix milliseconds; what has structure is JSON.
CREATE TABLE plans (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  project TEXT NOT NULL,
  client TEXT NOT NULL,
  status TEXT NOT NULL,
  action TEXT NOT NULL,
  data TEXT NOT NULL,
  approval TEXT NOT NULL,
  cache TEXT,
  grounding TEXT,
  warnings TEXT,
  results TEXT,
  failure TEXT,
  abort_payload TEXT,
  compensation TEXT,
  timeout_ms INTEGER NOT NULL,
  grace_ms INTEGER NOT NULL,
  deadline_at INTEGER,
  created_at INTEGER NOT NULL,
  changed_at INTEGER NOT NULL,
  -- 0: something may still happen to it, so that a start takes it up again.
  settled INTEGER NOT NULL
) STRICT;

CREATE INDEX plans_by_project ON plans (project, number);
CREATE INDEX plans_by_status ON plans (project, status, number);
CREATE INDEX plans_unsettled ON plans (number) WHERE settled = 0;

-- What happened to each plan, in order, never changed: the truth from which its state follows. `id` says what an entry is about, so that nothing happens twice.
CREATE TABLE plan_log (
  plan INTEGER NOT NULL REFERENCES plans (number) ON DELETE CASCADE,
  entry INTEGER NOT NULL,
  id TEXT NOT NULL,
  at INTEGER NOT NULL,
  body TEXT NOT NULL,
  UNIQUE (plan, entry),
  UNIQUE (plan, id)
) STRICT;

CREATE TABLE planning_attempts (
  plan INTEGER NOT NULL REFERENCES plans (number) ON DELETE CASCADE,
  call INTEGER NOT NULL,
  body TEXT NOT NULL,
  UNIQUE (plan, call)
) STRICT;
