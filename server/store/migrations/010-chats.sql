-- The console's chat. Everything belongs to one client (`owner`: a key's id, `local` or `owner`). Times are Unix milliseconds; what has structure is JSON.
CREATE TABLE chat_folders (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  owner TEXT NOT NULL,
  name TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  UNIQUE (owner, name)
) STRICT;

CREATE TABLE chats (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  owner TEXT NOT NULL,
  title TEXT NOT NULL,
  folder INTEGER REFERENCES chat_folders (number) ON DELETE SET NULL,
  pinned INTEGER NOT NULL DEFAULT 0,
  settings TEXT NOT NULL,
  -- Numbers of the messages where the active branch ends and begins.
  active INTEGER,
  active_root INTEGER,
  messages INTEGER NOT NULL DEFAULT 0,
  -- Where it was imported from, so that it is not taken twice: `chatgpt:…`.
  origin TEXT,
  created_at INTEGER NOT NULL,
  changed_at INTEGER NOT NULL,
  deleted_at INTEGER
) STRICT;

CREATE INDEX chats_by_owner ON chats (owner, pinned DESC, changed_at DESC, number DESC) WHERE deleted_at IS NULL;
CREATE INDEX chats_by_folder ON chats (owner, folder, pinned DESC, changed_at DESC, number DESC) WHERE deleted_at IS NULL;
CREATE INDEX chats_in_bin ON chats (owner, deleted_at DESC, number DESC) WHERE deleted_at IS NOT NULL;
CREATE INDEX chats_to_purge ON chats (deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX chats_of_folder ON chats (folder) WHERE folder IS NOT NULL;
CREATE UNIQUE INDEX chats_by_origin ON chats (owner, origin) WHERE origin IS NOT NULL;

-- A tree: branches by edit and regenerate keep the old. What a list shows stands first, what may be long last.
CREATE TABLE chat_messages (
  number INTEGER PRIMARY KEY,
  chat INTEGER NOT NULL REFERENCES chats (number) ON DELETE CASCADE,
  id TEXT NOT NULL,
  parent INTEGER REFERENCES chat_messages (number),
  -- The child that the active branch goes on with, or went on with last.
  active_child INTEGER,
  role TEXT NOT NULL,
  state TEXT NOT NULL,
  model TEXT,
  vote TEXT,
  job TEXT,
  seq INTEGER,
  created_at INTEGER NOT NULL,
  context_window INTEGER,
  finish_reason TEXT,
  error TEXT,
  usage TEXT,
  timings TEXT,
  tool_calls TEXT,
  -- Text, and attachments by id.
  content TEXT NOT NULL,
  reasoning TEXT,
  UNIQUE (chat, id)
) STRICT;

CREATE INDEX chat_messages_by_parent ON chat_messages (chat, parent, number);
-- For the foreign key: without it each delete of a message would read all of them.
CREATE INDEX chat_messages_of_parent ON chat_messages (parent) WHERE parent IS NOT NULL;
CREATE INDEX chat_messages_generating ON chat_messages (chat) WHERE state = 'generating';

CREATE TABLE chat_presets (
  id TEXT PRIMARY KEY,
  owner TEXT NOT NULL,
  name TEXT NOT NULL,
  settings TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  changed_at INTEGER NOT NULL,
  UNIQUE (owner, name)
) STRICT, WITHOUT ROWID;

-- Each content once, whoever sent it. `text`: what a model reads of it, where that is not the bytes themselves.
CREATE TABLE chat_files (
  number INTEGER PRIMARY KEY,
  digest BLOB NOT NULL UNIQUE,
  bytes INTEGER NOT NULL,
  kind TEXT NOT NULL,
  characters INTEGER,
  text TEXT,
  data BLOB NOT NULL
) STRICT;

CREATE TABLE chat_attachments (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  owner TEXT NOT NULL,
  name TEXT NOT NULL,
  media_type TEXT NOT NULL,
  file INTEGER NOT NULL REFERENCES chat_files (number),
  created_at INTEGER NOT NULL,
  UNIQUE (owner, file, name, media_type)
) STRICT;

CREATE INDEX chat_attachments_by_file ON chat_attachments (file);

CREATE TABLE chat_message_attachments (
  message INTEGER NOT NULL REFERENCES chat_messages (number) ON DELETE CASCADE,
  attachment INTEGER NOT NULL REFERENCES chat_attachments (number),
  PRIMARY KEY (message, attachment)
) STRICT, WITHOUT ROWID;

CREATE INDEX chat_message_attachments_by_attachment ON chat_message_attachments (attachment);

-- Words as `store/search-words.ts` makes them; the texts themselves are not kept twice. A rowid of chat_title_words is a conversation's number,
-- one of chat_message_words a message's. `owner` is one made-up word, so that a search reads nobody else's rows.
CREATE VIRTUAL TABLE chat_title_words USING fts5 (
  owner, text, content = '', contentless_delete = 1, prefix = '1 2 3',
  tokenize = "unicode61 remove_diacritics 2 categories 'L* N* Co M*'"
);
CREATE VIRTUAL TABLE chat_message_words USING fts5 (
  owner, text, content = '', contentless_delete = 1, prefix = '1 2 3',
  tokenize = "unicode61 remove_diacritics 2 categories 'L* N* Co M*'"
);
