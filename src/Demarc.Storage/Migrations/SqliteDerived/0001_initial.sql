-- What is derived from the log of records, and can be derived again. Units as in the log's own file.

-- How far each projection has followed the log. ordered_at is the greatest time seen, lateness how far
-- behind it any record was: both bound a search by time to a range of positions.
CREATE TABLE watermarks (
  name text PRIMARY KEY,
  xact integer NOT NULL,
  sequence integer NOT NULL,
  position integer NOT NULL,
  ordered_at integer NOT NULL,
  lateness integer NOT NULL
) WITHOUT ROWID;
INSERT INTO watermarks VALUES ('records', 0, 0, 0, 0, 0);

CREATE TABLE activities (
  organization_id text NOT NULL,
  position integer NOT NULL,
  request_id blob NOT NULL,
  type text NOT NULL,
  actor_id text NOT NULL,
  session_id text,
  at integer NOT NULL,
  begun integer,
  finished integer NOT NULL,
  PRIMARY KEY (organization_id, position)
) WITHOUT ROWID;
CREATE INDEX activities_type ON activities (organization_id, type, position);
CREATE INDEX activities_actor ON activities (organization_id, actor_id, position);
CREATE INDEX activities_request ON activities (request_id);

-- The first position of each second in which any activity was ordered: bounds a search by time, a row a second.
CREATE TABLE activity_seconds (
  organization_id text NOT NULL,
  second integer NOT NULL,
  position integer NOT NULL,
  PRIMARY KEY (organization_id, second)
) WITHOUT ROWID;

CREATE TABLE sessions (
  id text PRIMARY KEY,
  organization_id text NOT NULL,
  client_session text,
  principal_type text NOT NULL,
  principal_id text NOT NULL,
  surface text NOT NULL,
  created_at integer NOT NULL,
  last_at integer NOT NULL,
  requests integer NOT NULL
) WITHOUT ROWID;
CREATE INDEX sessions_time ON sessions (organization_id, created_at, id);
CREATE INDEX sessions_principal ON sessions (organization_id, principal_id, created_at);

CREATE TABLE session_requests (
  organization_id text NOT NULL,
  session_id text NOT NULL,
  begun integer NOT NULL,
  finished integer,
  request_id blob NOT NULL,
  captured integer NOT NULL,
  PRIMARY KEY (session_id, begun)
) WITHOUT ROWID;

CREATE TABLE ledger (
  organization_id text NOT NULL,
  request_id blob NOT NULL,
  attempt integer NOT NULL,
  at integer NOT NULL,
  principal_type text NOT NULL,
  principal_id text NOT NULL,
  key_id text,
  session_id text,
  resource text NOT NULL,
  deployment text NOT NULL,
  model text NOT NULL,
  input_tokens integer NOT NULL,
  output_tokens integer NOT NULL,
  cache_read_tokens integer NOT NULL,
  cache_write_5m_tokens integer NOT NULL,
  cache_write_1h_tokens integer NOT NULL,
  web_search_requests integer NOT NULL,
  nano_usd integer NOT NULL,
  price_source text,
  incomplete integer NOT NULL,
  PRIMARY KEY (request_id, attempt)
) WITHOUT ROWID;
CREATE INDEX ledger_time ON ledger (organization_id, at);

-- day is yyyy-mm-dd in UTC.
CREATE TABLE spend_totals (
  organization_id text NOT NULL,
  day text NOT NULL,
  principal_id text NOT NULL,
  model text NOT NULL,
  resource text NOT NULL,
  requests integer NOT NULL,
  input_tokens integer NOT NULL,
  output_tokens integer NOT NULL,
  cache_read_tokens integer NOT NULL,
  cache_write_5m_tokens integer NOT NULL,
  cache_write_1h_tokens integer NOT NULL,
  web_search_requests integer NOT NULL,
  nano_usd integer NOT NULL,
  PRIMARY KEY (organization_id, day, principal_id, model, resource)
) WITHOUT ROWID;

-- Requests begun and not finished, as far as the log was followed.
CREATE TABLE open_requests (
  organization_id text NOT NULL,
  request_id blob PRIMARY KEY,
  begun integer NOT NULL,
  replica text NOT NULL
) WITHOUT ROWID;
