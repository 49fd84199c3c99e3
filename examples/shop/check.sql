-- Recomputes the countable figures of the demo straight from the raw files of
-- this folder, in DuckDB's SQL and without any code of Parley.
--
-- Run it in examples/shop (or set file_search_path to it). The part named setup
-- makes temporary tables; every later part is one query with one figure, named
-- by its "-- name:" line. The expected figures stand in expected.json.
--
-- Journal order, which decides refused merges: crm, newsletter, orders,
-- campaign, web. Now is 2011-12-10 00:00 UTC.

-- name: setup

-- Orders, with the rules of workspace/contract-orders.yaml.
CREATE TEMP TABLE orders_raw AS SELECT * FROM read_csv('data/orders.csv', header = true, all_varchar = true);
CREATE TEMP TABLE order_line AS
SELECT InvoiceNo AS invoice, StockCode AS sku, CAST(Quantity AS INTEGER) AS quantity,
       CAST(InvoiceDate AS TIMESTAMP) AS happened, replace(CustomerID, '.0', '') AS customer, Country AS country
FROM orders_raw
WHERE TRY_CAST(LineNo AS INTEGER) >= 1
  AND regexp_full_match(InvoiceNo, 'C?[0-9]{6}')
  AND length(StockCode) <= 12
  AND Description IS NOT NULL
  AND TRY_CAST(Quantity AS INTEGER) IS NOT NULL
  AND TRY_CAST(InvoiceDate AS TIMESTAMP) IS NOT NULL
  AND TRY_CAST(UnitPrice AS DECIMAL(18, 4)) >= 0.01
  AND (CustomerID IS NULL OR regexp_full_match(CustomerID, '[0-9]{5}\.0'))
  AND Country IN ('Australia', 'Austria', 'Bahrain', 'Belgium', 'Brazil', 'Canada', 'Channel Islands', 'Cyprus', 'Czech Republic', 'Denmark', 'EIRE', 'Finland', 'France', 'Germany', 'Greece', 'Hong Kong', 'Iceland', 'Israel', 'Italy', 'Japan', 'Lebanon', 'Lithuania', 'Malta', 'Netherlands', 'Norway', 'Poland', 'Portugal', 'RSA', 'Saudi Arabia', 'Singapore', 'Spain', 'Sweden', 'Switzerland', 'USA', 'United Arab Emirates', 'United Kingdom');
-- Postage, fees and samples are charges (the mapping names them Order Charge).
CREATE TEMP TABLE goods AS SELECT * FROM order_line WHERE regexp_matches(sku, '^[0-9]');

-- CRM. The customer_id is the row's key: a later row with the same one is an update.
CREATE TEMP TABLE crm_raw AS SELECT row_number() OVER () AS n, * FROM read_csv('data/crm.csv', header = true, all_varchar = true);
CREATE TEMP TABLE crm_good AS
SELECT * EXCLUDE (email), email, lower(trim(email)) AS email_id FROM crm_raw
WHERE regexp_full_match(customer_id, '[0-9]{5}')
  AND first_name IS NOT NULL AND last_name IS NOT NULL
  AND (email IS NULL OR regexp_full_match(email, '\s*[^@\s()]+@[^@\s()]+\.[^@\s()]+\s*'))
  AND (phone IS NULL OR length(phone) <= 25)
  AND country IN ('Unspecified', 'Australia', 'Austria', 'Bahrain', 'Belgium', 'Brazil', 'Canada', 'Channel Islands', 'Cyprus', 'Czech Republic', 'Denmark', 'EIRE', 'Finland', 'France', 'Germany', 'Greece', 'Hong Kong', 'Iceland', 'Israel', 'Italy', 'Japan', 'Lebanon', 'Lithuania', 'Malta', 'Netherlands', 'Norway', 'Poland', 'Portugal', 'RSA', 'Saudi Arabia', 'Singapore', 'Spain', 'Sweden', 'Switzerland', 'USA', 'United Arab Emirates', 'United Kingdom')
  AND (birth_date IS NULL OR regexp_full_match(birth_date, '[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{2}/[0-9]{2}/[0-9]{4}|[0-9]{1,2} [A-Z][a-z]{2} [0-9]{4}'))
  AND (email_opt_in IS NULL OR email_opt_in IN ('Y', 'N'))
  AND (ads_opt_in IS NULL OR ads_opt_in IN ('Y', 'N'))
  AND TRY_CAST(replace(updated_at, 'Z', '') AS TIMESTAMP) IS NOT NULL;
CREATE TEMP TABLE crm AS SELECT * FROM crm_good QUALIFY row_number() OVER (PARTITION BY customer_id ORDER BY n DESC) = 1;

CREATE TEMP TABLE newsletter_raw AS SELECT * FROM read_json('data/newsletter.jsonl', format = 'newline_delimited',
  columns = {signup_id: 'VARCHAR', email: 'VARCHAR', first_name: 'VARCHAR', news: 'VARCHAR', ads: 'VARCHAR', signed_up_at: 'VARCHAR'});
CREATE TEMP TABLE newsletter AS
SELECT *, lower(trim(email)) AS email_id FROM newsletter_raw
WHERE regexp_full_match(email, '\s*[^@\s()]+@[^@\s()]+\.[^@\s()]+\s*') AND news IN ('yes', 'no') AND (ads IS NULL OR ads IN ('yes', 'no'));

CREATE TEMP TABLE campaign AS SELECT * FROM read_csv('data/campaign.csv', header = true, all_varchar = true);

-- Web calls. The first message of an id counts, later ones are duplicates.
CREATE TEMP TABLE web_raw AS SELECT row_number() OVER () AS n, * FROM read_json('data/web.jsonl', format = 'newline_delimited',
  columns = {messageId: 'VARCHAR', type: 'VARCHAR', event: 'VARCHAR', userId: 'VARCHAR', anonymousId: 'VARCHAR',
             properties: 'JSON', traits: 'JSON', context: 'JSON', timestamp: 'VARCHAR'});
CREATE TEMP TABLE web_once AS SELECT * FROM web_raw QUALIFY row_number() OVER (PARTITION BY messageId ORDER BY n) = 1;
CREATE TEMP TABLE web AS
SELECT n, type, event, userId AS user_id, anonymousId AS device, properties, traits, context,
       strptime(timestamp, '%Y-%m-%dT%H:%M:%SZ') AS happened, lower(trim(traits ->> 'email')) AS email_id
FROM web_once
WHERE CASE
  WHEN type = 'page' THEN coalesce(regexp_matches(properties ->> 'url', '^https?://'), false)
  WHEN type = 'identify' THEN true
  WHEN event = 'Product Viewed' THEN (properties ->> 'sku') IS NOT NULL AND (properties ->> 'name') IS NOT NULL
       AND coalesce(TRY_CAST(properties ->> 'price' AS DECIMAL(18, 4)) >= 0.01, false)
  WHEN event = 'Form Viewed' THEN (properties ->> 'form') IN ('checkout', 'prize-draw') AND json_type(properties -> 'asked') = 'ARRAY'
  WHEN event = 'Form Submitted' THEN (properties ->> 'form') IN ('checkout', 'prize-draw')
  ELSE false END;

-- People. Nodes are identifiers; customer numbers come first, so that the lowest
-- number of a cluster says whether it holds one. Phone numbers occur only beside
-- a customer number, which is unique per person, and so can join nobody.
CREATE TEMP TABLE node AS
SELECT row_number() OVER (ORDER BY kind DESC, value) AS id, kind, value FROM (
  SELECT 'user' AS kind, customer AS value FROM order_line WHERE customer IS NOT NULL
  UNION SELECT 'user', customer_id FROM crm
  UNION SELECT 'user', customer_id FROM campaign
  UNION SELECT 'user', user_id FROM web WHERE user_id IS NOT NULL
  UNION SELECT 'email', email_id FROM crm WHERE email_id IS NOT NULL
  UNION SELECT 'email', email_id FROM newsletter
  UNION SELECT 'email', email_id FROM web WHERE email_id IS NOT NULL
  UNION SELECT 'device', device FROM web);
-- Claims that two identifiers are one person's, in journal order, each once.
CREATE TEMP TABLE claim AS
SELECT row_number() OVER (ORDER BY min(place), min(n), min(part)) AS step, a, b FROM (
  SELECT 1 AS place, n, 1 AS part, u.id AS a, e.id AS b FROM crm_good
    JOIN node u ON u.kind = 'user' AND u.value = customer_id JOIN node e ON e.kind = 'email' AND e.value = email_id
  UNION ALL SELECT 2, n, 1, u.id, e.id FROM web
    JOIN node u ON u.kind = 'user' AND u.value = user_id JOIN node e ON e.kind = 'email' AND e.value = email_id
  UNION ALL SELECT 2, n, 2, u.id, d.id FROM web
    JOIN node u ON u.kind = 'user' AND u.value = user_id JOIN node d ON d.kind = 'device' AND d.value = device
  UNION ALL SELECT 2, n, 3, e.id, d.id FROM web
    JOIN node e ON e.kind = 'email' AND e.value = email_id JOIN node d ON d.kind = 'device' AND d.value = device
    WHERE user_id IS NULL)
GROUP BY a, b;
-- One claim after the other: it joins two clusters unless both hold a customer number.
CREATE TEMP TABLE person AS
WITH RECURSIVE users AS (SELECT count(*) AS n FROM node WHERE kind = 'user'),
fold(step, cluster) AS (
  SELECT CAST(0 AS BIGINT), (SELECT list(id ORDER BY id) FROM node)
  UNION ALL
  SELECT c.step, CASE
    WHEN fold.cluster[c.a] = fold.cluster[c.b] THEN fold.cluster
    WHEN greatest(fold.cluster[c.a], fold.cluster[c.b]) <= (SELECT n FROM users) THEN fold.cluster
    ELSE list_transform(fold.cluster, lambda x: CASE WHEN x = greatest(fold.cluster[c.a], fold.cluster[c.b])
                                                     THEN least(fold.cluster[c.a], fold.cluster[c.b]) ELSE x END) END
  FROM fold JOIN claim c ON c.step = fold.step + 1),
last AS (SELECT cluster FROM fold ORDER BY step DESC LIMIT 1)
SELECT kind, value, last.cluster[id] AS person FROM node, last;

-- What happened to whom. A call belongs to its login, else to its e-mail, else to its device.
CREATE TEMP TABLE web_of AS
SELECT web.*, p.person FROM web JOIN person p
  ON p.kind = CASE WHEN user_id IS NOT NULL THEN 'user' WHEN email_id IS NOT NULL THEN 'email' ELSE 'device' END
 AND p.value = coalesce(user_id, email_id, device);
CREATE TEMP TABLE goods_of AS SELECT goods.*, p.person FROM goods JOIN person p ON p.kind = 'user' AND p.value = customer;
CREATE TEMP TABLE crm_of AS SELECT crm.*, p.person, CAST(replace(updated_at, 'Z', '') AS TIMESTAMP) AS happened FROM crm JOIN person p ON p.kind = 'user' AND p.value = customer_id;
CREATE TEMP TABLE newsletter_of AS SELECT newsletter.*, p.person, CAST(replace(signed_up_at, 'Z', '') AS TIMESTAMP) AS happened FROM newsletter JOIN person p ON p.kind = 'email' AND p.value = email_id;

-- Stands on purposes: the latest statement. (Only withdrawals contradict earlier ones here.)
CREATE TEMP TABLE stand AS
SELECT person, purpose, arg_max(says, happened) AS says FROM (
  SELECT person, 'email_marketing' AS purpose, email_opt_in = 'Y' AS says, happened FROM crm_of
  UNION ALL SELECT person, 'ads', ads_opt_in = 'Y', happened FROM crm_of
  UNION ALL SELECT person, 'email_marketing', news = 'yes', happened FROM newsletter_of
  UNION ALL SELECT person, 'ads', ads = 'yes', happened FROM newsletter_of
  UNION ALL SELECT person, 'email_marketing', CAST(context ->> '$.consent.categoryPreferences.email_marketing' AS BOOLEAN), happened FROM web_of
  UNION ALL SELECT person, 'ads', CAST(context ->> '$.consent.categoryPreferences.ads' AS BOOLEAN), happened FROM web_of)
WHERE says IS NOT NULL GROUP BY ALL;

-- Values the company holds, since when.
CREATE TEMP TABLE held AS
SELECT person, field, value, happened FROM (
  UNPIVOT (SELECT person, happened, first_name, last_name, email, phone, postcode, city, country, birth_date FROM crm_of)
  ON first_name, last_name, email, phone, postcode, city, country, birth_date INTO NAME field VALUE value)
UNION ALL SELECT p.person, 'country', country, happened FROM order_line JOIN person p ON p.kind = 'user' AND p.value = customer
UNION ALL SELECT person, 'email', email, happened FROM newsletter_of
UNION ALL SELECT person, 'first_name', first_name, happened FROM newsletter_of WHERE first_name IS NOT NULL
UNION ALL SELECT person, key, traits ->> key, happened FROM (SELECT person, happened, traits, unnest(json_keys(traits)) AS key FROM web_of WHERE type = 'identify' AND traits IS NOT NULL);

-- Fields that a form asked a person for although a value was held before that instant.
CREATE TEMP TABLE ask AS
SELECT n, person, form, field, EXISTS (SELECT 1 FROM held h WHERE h.person = a.person AND h.field = a.field AND h.happened < a.happened) AS known
FROM (SELECT n, person, happened, properties ->> 'form' AS form, unnest(CAST(properties -> 'asked' AS VARCHAR[])) AS field FROM web_of WHERE event = 'Form Viewed') a;

-- Planned offers for what the person bought, net of cancellations, in the 30 days before now.
CREATE TEMP TABLE wasted AS
SELECT c.*, p.person FROM campaign c JOIN person p ON p.kind = 'user' AND p.value = c.customer_id
WHERE (SELECT sum(quantity) FROM goods_of g WHERE g.person = p.person AND g.sku = c.offer_sku
       AND g.happened > TIMESTAMP '2011-12-10' - INTERVAL 30 DAY AND g.happened <= TIMESTAMP '2011-12-10') > 0;

CREATE TEMP TABLE browser AS
SELECT person FROM web_of WHERE event = 'Product Viewed' AND happened > TIMESTAMP '2011-12-10' - INTERVAL 14 DAY GROUP BY person HAVING count(*) >= 2
EXCEPT SELECT person FROM goods_of WHERE quantity > 0 AND happened > TIMESTAMP '2011-12-10' - INTERVAL 14 DAY;
CREATE TEMP TABLE reader AS
SELECT DISTINCT stand.person FROM stand JOIN person p ON p.person = stand.person AND p.kind = 'email' WHERE purpose = 'email_marketing' AND says;

CREATE TEMP TABLE agreed_email AS SELECT person FROM stand WHERE purpose = 'email_marketing' AND says;
CREATE TEMP TABLE agreed_ads AS SELECT person FROM stand WHERE purpose = 'ads' AND says;
CREATE TEMP TABLE lapsed AS SELECT person FROM goods_of WHERE quantity > 0
GROUP BY person HAVING max(happened) <= TIMESTAMP '2011-12-10' - INTERVAL 180 DAY;
CREATE TEMP TABLE recent_buyer AS SELECT person, sku FROM goods_of
WHERE sku IN ('22086', '22577', '22578', '23084') AND happened > TIMESTAMP '2011-12-10' - INTERVAL 30 DAY
GROUP BY person, sku HAVING sum(quantity) >= 1;

-- name: orders_read
SELECT count(*) FROM orders_raw;

-- name: orders_quarantined
SELECT (SELECT count(*) FROM orders_raw) - (SELECT count(*) FROM order_line);

-- name: crm_rows
SELECT count(*) FROM crm_raw;

-- name: crm_quarantined
SELECT (SELECT count(*) FROM crm_raw) - (SELECT count(*) FROM crm_good);

-- name: newsletter_rows
SELECT count(*) FROM newsletter_raw;

-- name: newsletter_quarantined
SELECT (SELECT count(*) FROM newsletter_raw) - (SELECT count(*) FROM newsletter);

-- name: campaign_rows
SELECT count(*) FROM campaign;

-- name: web_received
SELECT count(*) FROM web_raw;

-- name: web_duplicates
SELECT (SELECT count(*) FROM web_raw) - (SELECT count(*) FROM web_once);

-- name: web_quarantined
SELECT (SELECT count(*) FROM web_once) - (SELECT count(*) FROM web);

-- name: events_accepted
-- Rows and calls, those that break a contract and repetitions included: all are durable.
SELECT (SELECT count(*) FROM orders_raw) + (SELECT count(*) FROM crm_raw) + (SELECT count(*) FROM newsletter_raw)
     + (SELECT count(*) FROM campaign) + (SELECT count(*) FROM web_raw);

-- name: people
SELECT count(DISTINCT person) FROM person;

-- name: merges
-- Everybody who was taken for a new person at first, less those who remain: every
-- customer number, every newsletter address that the CRM does not have, and every
-- device that was first seen without a login and without an address already known.
SELECT (SELECT count(*) FROM node WHERE kind = 'user')
  + (SELECT count(DISTINCT email_id) FROM newsletter WHERE email_id NOT IN (SELECT email_id FROM crm_good WHERE email_id IS NOT NULL))
  + (SELECT count(*) FROM (SELECT * FROM web QUALIFY row_number() OVER (PARTITION BY device ORDER BY n) = 1) WHERE user_id IS NULL AND email_id IS NULL)
  - (SELECT count(DISTINCT person) FROM person);

-- name: refused_merges
-- Distinct claims whose two identifiers ended with different people, and those of
-- a second customer to a telephone number (usable ones begin with +).
SELECT (SELECT count(*) FROM claim JOIN (SELECT row_number() OVER (ORDER BY kind DESC, value) AS id, person FROM person) x ON x.id = a
        JOIN (SELECT row_number() OVER (ORDER BY kind DESC, value) AS id, person FROM person) y ON y.id = b WHERE x.person <> y.person)
     + (SELECT count(*) - count(DISTINCT phone) FROM (
          SELECT customer_id AS customer, regexp_replace(phone, '[^0-9]', '', 'g') AS phone FROM crm_good WHERE phone LIKE '+%'
          UNION SELECT user_id, regexp_replace(traits ->> 'phone', '[^0-9]', '', 'g') FROM web WHERE user_id IS NOT NULL AND (traits ->> 'phone') LIKE '+%'));

-- name: audience:recent-buyers-22086
SELECT count(*) FROM (SELECT person FROM goods_of WHERE sku = '22086' AND happened > TIMESTAMP '2011-12-10' - INTERVAL 30 DAY
GROUP BY person HAVING sum(quantity) >= 1);

-- name: audience:recent-buyers-22577
SELECT count(*) FROM (SELECT person FROM goods_of WHERE sku = '22577' AND happened > TIMESTAMP '2011-12-10' - INTERVAL 30 DAY
GROUP BY person HAVING sum(quantity) >= 1);

-- name: audience:recent-buyers-22578
SELECT count(*) FROM (SELECT person FROM goods_of WHERE sku = '22578' AND happened > TIMESTAMP '2011-12-10' - INTERVAL 30 DAY
GROUP BY person HAVING sum(quantity) >= 1);

-- name: audience:recent-buyers-23084
SELECT count(*) FROM (SELECT person FROM goods_of WHERE sku = '23084' AND happened > TIMESTAMP '2011-12-10' - INTERVAL 30 DAY
GROUP BY person HAVING sum(quantity) >= 1);

-- name: audience:bulk-buyers
SELECT count(*) FROM (SELECT person FROM goods_of WHERE happened > TIMESTAMP '2011-12-10' - INTERVAL 90 DAY
GROUP BY person HAVING sum(quantity) >= 500);

-- name: audience:lapsed
SELECT count(*) FROM (SELECT person FROM goods_of WHERE quantity > 0
GROUP BY person HAVING max(happened) <= TIMESTAMP '2011-12-10' - INTERVAL 180 DAY);

-- name: audience:christmas-browsers
SELECT count(*) FROM browser;

-- name: audience:newsletter-readers
SELECT count(*) FROM reader;

-- name: audience:reachable-browsers
SELECT count(*) FROM browser SEMI JOIN reader USING (person);

-- name: audience:german-speaking
SELECT count(*) FROM (SELECT person, arg_max(value, happened) AS country FROM held WHERE field = 'country' GROUP BY person)
WHERE country IN ('Germany', 'Austria', 'Switzerland');

-- name: delivered:email-tool:include
SELECT count(*) FROM browser SEMI JOIN agreed_email USING (person) SEMI JOIN (SELECT person FROM held WHERE field = 'email') USING (person);

-- name: delivered:email-tool:suppress
SELECT count(*) FROM recent_buyer SEMI JOIN (SELECT person FROM held WHERE field = 'email') USING (person);

-- name: delivered:ads-files:include
SELECT count(*) FROM lapsed SEMI JOIN agreed_ads USING (person) SEMI JOIN (SELECT person FROM person WHERE kind = 'email') USING (person);

-- name: delivered:ads-files:suppress
SELECT count(*) FROM recent_buyer SEMI JOIN (SELECT person FROM person WHERE kind = 'email') USING (person);

-- name: refused_by_consent
-- Silence is no consent.
SELECT (SELECT count(*) FROM browser ANTI JOIN agreed_email USING (person)) + (SELECT count(*) FROM lapsed ANTI JOIN agreed_ads USING (person));

-- name: wasted_offers_before
SELECT count(*) FROM wasted;

-- name: wasted_offers_after
-- Those whose person has no e-mail address to put on the suppression list.
SELECT count(*) FROM wasted ANTI JOIN (SELECT person FROM held WHERE field = 'email') USING (person);

-- name: asks_total
SELECT count(*) FROM ask;

-- name: asks_before
SELECT count(*) FROM ask WHERE known;

-- name: asks_after
-- The prize draw stands on consent to e-mail advertising: without it the held values may not be shown.
SELECT count(*) FROM ask WHERE known AND form = 'prize-draw'
AND person NOT IN (SELECT person FROM stand WHERE purpose = 'email_marketing' AND says);
