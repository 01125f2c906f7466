-- Built-in tools of a project. `spec` has secrets in it and is never shown. `described`: what an MCP server said of its tools when they were
-- allowed. `registered`: the services that were made of it, to see what changes.
CREATE TABLE plan_toolboxes (
  id TEXT PRIMARY KEY,
  project_id TEXT NOT NULL,
  name TEXT NOT NULL,
  spec TEXT NOT NULL,
  described TEXT NOT NULL,
  registered TEXT NOT NULL,
  added_at INTEGER NOT NULL,
  added_by TEXT NOT NULL,
  UNIQUE (project_id, name)
) STRICT;
