-- Plans found again by what an action means. The bits of the vectors are in vec0 tables, one for each length of vector, made when first needed.
CREATE TABLE plan_cache (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  project_id TEXT NOT NULL,
  scope TEXT NOT NULL,
  key TEXT NOT NULL,
  conditions TEXT NOT NULL,
  words TEXT NOT NULL,
  fields TEXT NOT NULL,
  action TEXT NOT NULL,
  plan_id TEXT NOT NULL,
  body TEXT NOT NULL,
  model TEXT NOT NULL,
  vector BLOB,
  hits INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL,
  used_at INTEGER NOT NULL
) STRICT;

CREATE INDEX plan_cache_by_key ON plan_cache (project_id, key, scope);
CREATE INDEX plan_cache_by_use ON plan_cache (project_id, used_at);
CREATE INDEX plan_cache_by_age ON plan_cache (project_id, created_at);

-- One version of each name counts. Its place in a project is the order of names.
CREATE TABLE groundings (
  project_id TEXT NOT NULL,
  name TEXT NOT NULL,
  version TEXT NOT NULL,
  body TEXT NOT NULL,
  applied_at INTEGER NOT NULL,
  PRIMARY KEY (project_id, name)
) STRICT, WITHOUT ROWID;

-- Vectors of texts that are compared again and again (use cases, capabilities, descriptions), by model and hash of the text.
CREATE TABLE text_vectors (
  model TEXT NOT NULL,
  digest BLOB NOT NULL,
  vector BLOB NOT NULL,
  used_at INTEGER NOT NULL,
  PRIMARY KEY (model, digest)
) STRICT, WITHOUT ROWID;
