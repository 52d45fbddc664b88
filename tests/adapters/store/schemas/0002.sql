-- Rows as tierbot wrote them under schema 0002, in the tables that it changed. Never edited.
INSERT INTO feed (workspace_id, url, name, listed_by, memory, polled_at, problem, notes, brought) VALUES ('T1', 'https://e.com/feed.xml', 'Example', 'people', '{"etag": "v1", "last_modified": "", "failures": 1, "not_before": "2026-03-02T13:00:00+00:00"}', '2026-03-02 12:00:00.123456', 'is a web page', '["odd"]', 7);
INSERT INTO held_back (workspace_id, article_id, boundary, rule, grounds, at, detail) VALUES ('T1', 'a-p1', 'word', 'coin*', 'g1', '2026-03-02 12:00:00.123456', '{}');
