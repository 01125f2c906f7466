-- Projects of the plan engine. `own` is 1 for the one of callers whose key belongs to none.
CREATE TABLE plan_projects (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  own INTEGER NOT NULL DEFAULT 0 CHECK (own IN (0, 1)),
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX plan_projects_own ON plan_projects (own) WHERE own = 1;

ALTER TABLE keys ADD COLUMN project_id TEXT;
