-- Transfers of tasks between workers, as the event bridge has them (taskrouter.md §9.6); the task's row is their lock.
CREATE TABLE task_transfer (
    account_sid text NOT NULL,
    sid text NOT NULL,
    workspace_sid text NOT NULL,
    task_sid text NOT NULL,
    initiating_reservation_sid text NOT NULL,
    initiating_worker_sid text NOT NULL,
    initiating_queue_sid text,
    initiating_workflow_sid text,
    transfer_mode text NOT NULL CHECK (transfer_mode IN ('WARM', 'COLD')),
    transfer_to text NOT NULL,
    transfer_type text NOT NULL CHECK (transfer_type IN ('WORKER', 'QUEUE')),
    transfer_status text NOT NULL CHECK (transfer_status IN ('initiated', 'complete', 'failed', 'canceled')),
    transfer_failed_reason text,
    date_created timestamptz NOT NULL,
    date_updated timestamptz NOT NULL,
    PRIMARY KEY (account_sid, sid),
    FOREIGN KEY (account_sid, task_sid) REFERENCES task ON DELETE CASCADE
);
CREATE INDEX task_transfer_task ON task_transfer (account_sid, task_sid, sid);
CREATE UNIQUE INDEX task_transfer_under_way ON task_transfer (account_sid, task_sid) WHERE transfer_status = 'initiated';

-- task.transfer_sid: the last transfer, under way or over. task.held_by: who keeps the task during a warm transfer to a
-- queue. reservation.transfer_sid: the transfer by which the worker was offered the task.
ALTER TABLE task ADD COLUMN transfer_sid text, ADD COLUMN held_by text;
ALTER TABLE reservation ADD COLUMN transfer_sid text;
