-- +goose Up
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);

CREATE TABLE lease (name TEXT PRIMARY KEY, holder TEXT NOT NULL, token BIGINT NOT NULL, expires BIGINT NOT NULL);

CREATE TABLE receipt (
  source TEXT NOT NULL, id TEXT NOT NULL,
  position BIGINT NOT NULL, idx BIGINT NOT NULL, received_at BIGINT NOT NULL,
  outcome TEXT NOT NULL, detail TEXT NOT NULL, person BIGINT NOT NULL, duplicates BIGINT NOT NULL,
  PRIMARY KEY (source, id));

CREATE TABLE counter (
  source TEXT NOT NULL, hour BIGINT NOT NULL, outcome TEXT NOT NULL, n BIGINT NOT NULL,
  PRIMARY KEY (source, hour, outcome));

CREATE TABLE row_version (
  source TEXT NOT NULL, key TEXT NOT NULL, hash TEXT NOT NULL, version BIGINT NOT NULL, holds TEXT NOT NULL,
  PRIMARY KEY (source, key));

CREATE TABLE unique_value (
  source TEXT NOT NULL, fields TEXT NOT NULL, hash TEXT NOT NULL, owner TEXT NOT NULL,
  PRIMARY KEY (source, fields, hash));

CREATE TABLE quarantine (
  id BIGINT PRIMARY KEY, source TEXT NOT NULL, event_id TEXT NOT NULL, kind BIGINT NOT NULL,
  received_at BIGINT NOT NULL, sent_at BIGINT NOT NULL, payload TEXT NOT NULL,
  violations TEXT NOT NULL, status TEXT NOT NULL);
CREATE INDEX quarantine_source ON quarantine (source, status, id);

CREATE TABLE identifier (
  namespace TEXT NOT NULL, value TEXT NOT NULL, person BIGINT NOT NULL, first_seen BIGINT NOT NULL,
  PRIMARY KEY (namespace, value));
CREATE INDEX identifier_person ON identifier (person);

CREATE TABLE assertion (
  a_namespace TEXT NOT NULL, a_value TEXT NOT NULL, b_namespace TEXT NOT NULL, b_value TEXT NOT NULL,
  source TEXT NOT NULL, seq BIGINT NOT NULL, event_id TEXT NOT NULL, at BIGINT NOT NULL,
  n BIGINT NOT NULL, last_at BIGINT NOT NULL, refused TEXT NOT NULL,
  PRIMARY KEY (a_namespace, a_value, b_namespace, b_value, source));
CREATE INDEX assertion_b ON assertion (b_namespace, b_value);

CREATE TABLE person (id BIGINT PRIMARY KEY, doc TEXT NOT NULL);
CREATE TABLE alias (person BIGINT PRIMARY KEY, survivor BIGINT NOT NULL, at BIGINT NOT NULL);
CREATE INDEX alias_survivor ON alias (survivor);
CREATE TABLE timer (person BIGINT PRIMARY KEY, at BIGINT NOT NULL);
CREATE INDEX timer_at ON timer (at, person);

CREATE TABLE membership (
  audience TEXT NOT NULL, person BIGINT NOT NULL, since BIGINT NOT NULL,
  PRIMARY KEY (audience, person));
CREATE INDEX membership_person ON membership (person);

CREATE TABLE delivery (
  activation TEXT NOT NULL, person BIGINT NOT NULL, destination TEXT NOT NULL,
  member TEXT NOT NULL, batch TEXT NOT NULL, waiting BIGINT NOT NULL, urgency BIGINT NOT NULL, next_try BIGINT NOT NULL,
  wanted BIGINT NOT NULL, acked BIGINT NOT NULL, dead BIGINT NOT NULL, reason TEXT NOT NULL,
  PRIMARY KEY (activation, person));
CREATE INDEX delivery_waiting ON delivery (destination, waiting, urgency, next_try, person, activation);
CREATE INDEX delivery_person ON delivery (person);
CREATE INDEX delivery_batch ON delivery (batch);

CREATE TABLE batch (
  id TEXT PRIMARY KEY, destination TEXT NOT NULL, activation TEXT NOT NULL, at BIGINT NOT NULL,
  body TEXT NOT NULL, open BIGINT NOT NULL);
CREATE INDEX batch_open ON batch (destination, open);

CREATE TABLE disclosure (
  book TEXT NOT NULL, seq BIGINT NOT NULL, at BIGINT NOT NULL, person BIGINT NOT NULL,
  activation TEXT NOT NULL, destination TEXT NOT NULL, purpose TEXT NOT NULL,
  decision TEXT NOT NULL, ground TEXT NOT NULL, version BIGINT NOT NULL, batch TEXT NOT NULL,
  prev TEXT NOT NULL, hash TEXT NOT NULL,
  PRIMARY KEY (book, seq));
CREATE INDEX disclosure_person ON disclosure (person);

CREATE TABLE workspace_version (
  version BIGINT PRIMARY KEY, digest TEXT NOT NULL, author TEXT NOT NULL, at BIGINT NOT NULL, body TEXT NOT NULL);

CREATE TABLE ask_count (
  form TEXT NOT NULL, day BIGINT NOT NULL, field TEXT NOT NULL, outcome TEXT NOT NULL, n BIGINT NOT NULL,
  PRIMARY KEY (form, day, field, outcome));

CREATE TABLE import_file (
  source TEXT NOT NULL, sha256 TEXT NOT NULL, name TEXT NOT NULL, at BIGINT NOT NULL,
  read_rows BIGINT NOT NULL, sent_rows BIGINT NOT NULL, bad_rows BIGINT NOT NULL,
  PRIMARY KEY (source, sha256));

CREATE TABLE outbox (position BIGINT PRIMARY KEY, body TEXT NOT NULL);

-- One row that Sync writes, so that its commit has something to make durable.
CREATE TABLE durable_mark (id BIGINT PRIMARY KEY, n BIGINT NOT NULL);
