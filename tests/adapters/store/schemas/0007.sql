-- Rows as tierbot wrote them under schema 0007, in the table that 0008 replaced. Never edited.
INSERT INTO due (workspace_id, job, due_at, ran_at, request) VALUES ('T2', 'push', '2026-03-02 12:00:00.123456', '2026-03-02 08:00:00.123456', '{"by": "U1", "count": 40}');
INSERT INTO due (workspace_id, job, due_at, ran_at, request) VALUES ('T2', 'reconcile', '2026-03-02 12:00:00.123456', NULL, '{"ts": "100.000001", "channel": "C1", "again": []}');
INSERT INTO due (workspace_id, job, due_at, ran_at, request) VALUES ('T2', 'join', '2026-03-02 12:00:00.123456', NULL, '{"bot_user": "UBOT", "installer": "U1", "installed_at": "2026"}');
