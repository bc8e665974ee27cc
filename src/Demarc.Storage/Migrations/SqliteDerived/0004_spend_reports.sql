-- A part for each model that worked on an attempt (advisors, fallbacks); part 0 is the attempt's own.
ALTER TABLE ledger RENAME TO ledger_before;
DROP INDEX ledger_time;
CREATE TABLE ledger (
  organization_id text NOT NULL,
  request_id blob NOT NULL,
  attempt integer NOT NULL,
  part integer NOT NULL DEFAULT 0,
  at integer NOT NULL,
  series blob,
  principal_type text NOT NULL,
  principal_id text NOT NULL,
  key_id text,
  session_id text,
  resource text NOT NULL,
  deployment text NOT NULL,
  model text NOT NULL,
  requests integer NOT NULL DEFAULT 0,
  turns integer NOT NULL DEFAULT 0,
  input_tokens integer NOT NULL,
  output_tokens integer NOT NULL,
  cache_read_tokens integer NOT NULL,
  cache_write_5m_tokens integer NOT NULL,
  cache_write_1h_tokens integer NOT NULL,
  web_search_requests integer NOT NULL,
  code_execution_requests integer NOT NULL DEFAULT 0,
  nano_usd integer NOT NULL,
  list_nano_usd integer NOT NULL DEFAULT 0,
  price_source text,
  incomplete integer NOT NULL,
  PRIMARY KEY (request_id, attempt, part)
) WITHOUT ROWID;
INSERT INTO ledger (organization_id, request_id, attempt, at, principal_type, principal_id, key_id, session_id, resource, deployment, model, input_tokens, output_tokens, cache_read_tokens, cache_write_5m_tokens, cache_write_1h_tokens, web_search_requests, nano_usd, price_source, incomplete)
SELECT organization_id, request_id, attempt, at, principal_type, principal_id, key_id, session_id, resource, deployment, model, input_tokens, output_tokens, cache_read_tokens, cache_write_5m_tokens, cache_write_1h_tokens, web_search_requests, nano_usd, price_source, incomplete FROM ledger_before;
DROP TABLE ledger_before;
CREATE INDEX ledger_time ON ledger (organization_id, at);

-- Who spends on what: the dimensions of reports, once for each combination. An id is made from them; empty text is none.
CREATE TABLE spend_series (
  id blob PRIMARY KEY,
  organization_id text NOT NULL,
  principal_type text NOT NULL,
  principal_id text NOT NULL,
  key_id text NOT NULL,
  workspace_id text NOT NULL,
  project_id text NOT NULL,
  platform text NOT NULL,
  resource text NOT NULL,
  deployment text NOT NULL,
  model text NOT NULL,
  surface text NOT NULL,
  service_tier text NOT NULL,
  speed text NOT NULL,
  inference_geo text NOT NULL,
  context_window text NOT NULL
) WITHOUT ROWID;

-- Totals that the projector keeps, a row for each series with any use in the hour (its start, Unix milliseconds), the
-- day (yyyy-mm-dd in UTC) or the month (yyyy-mm). spend_model_days is of series without people and keys.
CREATE TABLE spend_hours (
  organization_id text NOT NULL,
  hour integer NOT NULL,
  series blob NOT NULL,
  requests integer NOT NULL,
  turns integer NOT NULL,
  input_tokens integer NOT NULL,
  output_tokens integer NOT NULL,
  cache_read_tokens integer NOT NULL,
  cache_write_5m_tokens integer NOT NULL,
  cache_write_1h_tokens integer NOT NULL,
  web_search_requests integer NOT NULL,
  code_execution_requests integer NOT NULL,
  nano_usd integer NOT NULL,
  list_nano_usd integer NOT NULL,
  fallback_nano_usd integer NOT NULL,
  incomplete_requests integer NOT NULL,
  incomplete_nano_usd integer NOT NULL,
  PRIMARY KEY (organization_id, hour, series)
) WITHOUT ROWID;
CREATE TABLE spend_days (
  organization_id text NOT NULL,
  day text NOT NULL,
  series blob NOT NULL,
  requests integer NOT NULL,
  turns integer NOT NULL,
  input_tokens integer NOT NULL,
  output_tokens integer NOT NULL,
  cache_read_tokens integer NOT NULL,
  cache_write_5m_tokens integer NOT NULL,
  cache_write_1h_tokens integer NOT NULL,
  web_search_requests integer NOT NULL,
  code_execution_requests integer NOT NULL,
  nano_usd integer NOT NULL,
  list_nano_usd integer NOT NULL,
  fallback_nano_usd integer NOT NULL,
  incomplete_requests integer NOT NULL,
  incomplete_nano_usd integer NOT NULL,
  PRIMARY KEY (organization_id, day, series)
) WITHOUT ROWID;
CREATE TABLE spend_months (
  organization_id text NOT NULL,
  month text NOT NULL,
  series blob NOT NULL,
  requests integer NOT NULL,
  turns integer NOT NULL,
  input_tokens integer NOT NULL,
  output_tokens integer NOT NULL,
  cache_read_tokens integer NOT NULL,
  cache_write_5m_tokens integer NOT NULL,
  cache_write_1h_tokens integer NOT NULL,
  web_search_requests integer NOT NULL,
  code_execution_requests integer NOT NULL,
  nano_usd integer NOT NULL,
  list_nano_usd integer NOT NULL,
  fallback_nano_usd integer NOT NULL,
  incomplete_requests integer NOT NULL,
  incomplete_nano_usd integer NOT NULL,
  PRIMARY KEY (organization_id, month, series)
) WITHOUT ROWID;
CREATE TABLE spend_model_days (
  organization_id text NOT NULL,
  day text NOT NULL,
  series blob NOT NULL,
  requests integer NOT NULL,
  turns integer NOT NULL,
  input_tokens integer NOT NULL,
  output_tokens integer NOT NULL,
  cache_read_tokens integer NOT NULL,
  cache_write_5m_tokens integer NOT NULL,
  cache_write_1h_tokens integer NOT NULL,
  web_search_requests integer NOT NULL,
  code_execution_requests integer NOT NULL,
  nano_usd integer NOT NULL,
  list_nano_usd integer NOT NULL,
  fallback_nano_usd integer NOT NULL,
  incomplete_requests integer NOT NULL,
  incomplete_nano_usd integer NOT NULL,
  PRIMARY KEY (organization_id, day, series)
) WITHOUT ROWID;

-- A turn is what one prompt of a person brought about (session and prompt id): a stream that broke and the request that
-- repeated it are two calls and one turn.
CREATE TABLE turns (
  id text PRIMARY KEY,
  organization_id text NOT NULL,
  at integer NOT NULL
) WITHOUT ROWID;

-- What was settled before. Of its requests the ledger knows neither the client nor the answer's own words.
INSERT INTO spend_series
SELECT randomblob(16), * FROM (
  SELECT DISTINCT organization_id, principal_type, principal_id, coalesce(key_id, '') AS key_id, '' AS workspace_id, '' AS project_id, '' AS platform, resource, deployment, model, 'api' AS surface, 'standard' AS service_tier, 'standard' AS speed, 'not_available' AS inference_geo, '0-200k' AS context_window
  FROM ledger) AS known;
CREATE INDEX spend_series_before ON spend_series (organization_id, principal_id, resource, deployment, model);
UPDATE ledger SET series = (
  SELECT id FROM spend_series s
  WHERE s.organization_id = ledger.organization_id AND s.principal_type = ledger.principal_type AND s.principal_id = ledger.principal_id
    AND s.key_id = coalesce(ledger.key_id, '') AND s.resource = ledger.resource AND s.deployment = ledger.deployment AND s.model = ledger.model),
  list_nano_usd = nano_usd, requests = CASE WHEN price_source IS NULL AND nano_usd = 0 THEN 0 ELSE 1 END;
DROP INDEX spend_series_before;
INSERT INTO spend_hours
SELECT organization_id, at - at % 3600000, series,
  sum(requests), sum(requests), sum(input_tokens), sum(output_tokens), sum(cache_read_tokens),
  sum(cache_write_5m_tokens), sum(cache_write_1h_tokens), sum(web_search_requests), 0, sum(nano_usd), sum(nano_usd),
  sum(CASE WHEN price_source = 'fallback' THEN nano_usd ELSE 0 END), sum(incomplete), sum(incomplete * nano_usd)
FROM ledger GROUP BY 1, 2, 3;
INSERT INTO spend_days
SELECT organization_id, strftime('%Y-%m-%d', hour / 1000, 'unixepoch'), series,
  sum(requests), sum(turns), sum(input_tokens), sum(output_tokens), sum(cache_read_tokens),
  sum(cache_write_5m_tokens), sum(cache_write_1h_tokens), sum(web_search_requests), sum(code_execution_requests),
  sum(nano_usd), sum(list_nano_usd), sum(fallback_nano_usd), sum(incomplete_requests), sum(incomplete_nano_usd)
FROM spend_hours GROUP BY 1, 2, 3;
INSERT INTO spend_months
SELECT organization_id, substr(day, 1, 7), series,
  sum(requests), sum(turns), sum(input_tokens), sum(output_tokens), sum(cache_read_tokens),
  sum(cache_write_5m_tokens), sum(cache_write_1h_tokens), sum(web_search_requests), sum(code_execution_requests),
  sum(nano_usd), sum(list_nano_usd), sum(fallback_nano_usd), sum(incomplete_requests), sum(incomplete_nano_usd)
FROM spend_days GROUP BY 1, 2, 3;
INSERT INTO spend_series
SELECT randomblob(16), organization_id, '', '', '', workspace_id, project_id, platform, resource, deployment, model, surface, service_tier, speed, inference_geo, context_window
FROM (SELECT DISTINCT organization_id, workspace_id, project_id, platform, resource, deployment, model, surface, service_tier, speed, inference_geo, context_window FROM spend_series) AS known;
INSERT INTO spend_model_days
SELECT d.organization_id, d.day, m.id,
  sum(d.requests), sum(d.turns), sum(d.input_tokens), sum(d.output_tokens), sum(d.cache_read_tokens),
  sum(d.cache_write_5m_tokens), sum(d.cache_write_1h_tokens), sum(d.web_search_requests),
  sum(d.code_execution_requests), sum(d.nano_usd), sum(d.list_nano_usd), sum(d.fallback_nano_usd),
  sum(d.incomplete_requests), sum(d.incomplete_nano_usd)
FROM spend_days d JOIN spend_series s ON s.id = d.series
JOIN spend_series m ON m.principal_id = '' AND m.organization_id = s.organization_id AND m.resource = s.resource AND m.deployment = s.deployment AND m.model = s.model
GROUP BY 1, 2, 3;

DROP TABLE spend_totals;
-- Days as budgets begin from them.
CREATE VIEW spend_totals AS
SELECT d.organization_id, d.day, s.principal_id, s.model, s.resource, d.requests, d.input_tokens, d.output_tokens, d.cache_read_tokens,
  d.cache_write_5m_tokens, d.cache_write_1h_tokens, d.web_search_requests, d.nano_usd
FROM spend_days d JOIN spend_series s ON s.id = d.series;
