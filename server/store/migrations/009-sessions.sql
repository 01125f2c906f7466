-- Browsers that are signed in. Times are Unix milliseconds; `client_id` is a key's id or `owner`.
CREATE TABLE sessions (
  id TEXT PRIMARY KEY,
  client_id TEXT NOT NULL,
  browser TEXT NOT NULL,
  digest BLOB NOT NULL UNIQUE,
  created_at INTEGER NOT NULL,
  used_at INTEGER NOT NULL
) STRICT;
