-- Where a project wants to be told. The secret signs what is sent there, so it has to be kept as it is.
CREATE TABLE webhooks (
  id TEXT PRIMARY KEY,
  project TEXT NOT NULL,
  kind TEXT NOT NULL,
  url TEXT NOT NULL,
  secret TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  UNIQUE (project, kind, url)
) STRICT;

-- What is to be sent, and what was. Times are Unix milliseconds. The body comes last, so that lists need not read past it.
CREATE TABLE webhook_deliveries (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  project TEXT NOT NULL,
  webhook TEXT NOT NULL,
  url TEXT NOT NULL,
  event TEXT NOT NULL,
  -- The plan or the compensation failure it tells of.
  subject TEXT NOT NULL,
  plan TEXT NOT NULL,
  state TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  status INTEGER,
  error TEXT,
  -- Retries count from here: when it was written down, or when somebody asked for it again.
  since INTEGER NOT NULL,
  next_at INTEGER,
  created_at INTEGER NOT NULL,
  delivered_at INTEGER,
  bytes INTEGER NOT NULL,
  body TEXT NOT NULL,
  UNIQUE (webhook, subject)
) STRICT;

CREATE INDEX webhook_deliveries_waiting ON webhook_deliveries (webhook, next_at) WHERE state = 'waiting';
-- Has all that decides what is forgotten, so that looking for it reads no bodies.
CREATE INDEX webhook_deliveries_by_project ON webhook_deliveries (project, number, created_at, bytes);
CREATE INDEX webhook_deliveries_by_plan ON webhook_deliveries (plan);

-- Compensations that could not be done, for a person to see to.
CREATE TABLE compensation_failures (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  project TEXT NOT NULL,
  plan TEXT NOT NULL,
  task TEXT NOT NULL,
  service TEXT NOT NULL,
  service_name TEXT NOT NULL,
  compensation TEXT NOT NULL,
  status TEXT NOT NULL,
  resolution_state TEXT NOT NULL,
  failure TEXT NOT NULL,
  resolution TEXT NOT NULL,
  attempts_made INTEGER NOT NULL,
  max_attempts INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  resolved_at INTEGER
) STRICT;

CREATE INDEX compensation_failures_by_project ON compensation_failures (project);
CREATE INDEX compensation_failures_by_plan ON compensation_failures (plan);
