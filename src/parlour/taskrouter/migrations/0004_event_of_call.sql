-- The call through the event bridge that caused the event: it is delivered after that call's answer (DESIGN 2.7).
ALTER TABLE worker_event ADD COLUMN call text;
