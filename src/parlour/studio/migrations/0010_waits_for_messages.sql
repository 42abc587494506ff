-- The message whose reply an execution waits for, so that its failed delivery finds the execution.
ALTER TABLE studio_execution ADD COLUMN awaited_sid text;
CREATE INDEX studio_execution_awaiting ON studio_execution (awaited_sid) WHERE awaited_sid IS NOT NULL;
