-- What services and agents say they can do. A row of plan_service_contents stands for all versions from first_version on, up to the next row:
-- programs register at each start, mostly with what they said before.
CREATE TABLE plan_services (
  id TEXT PRIMARY KEY,
  project_id TEXT NOT NULL,
  version INTEGER NOT NULL,
  registered_at INTEGER NOT NULL,
  removed_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE plan_service_contents (
  service_id TEXT NOT NULL REFERENCES plan_services (id),
  first_version INTEGER NOT NULL,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  description TEXT NOT NULL,
  input TEXT NOT NULL,
  output TEXT NOT NULL,
  revertible INTEGER NOT NULL,
  approval INTEGER NOT NULL,
  origin TEXT NOT NULL,
  first_registered_at INTEGER NOT NULL,
  PRIMARY KEY (service_id, first_version)
) STRICT, WITHOUT ROWID;
