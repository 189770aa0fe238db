-- room: outbox

-- Who may send for an inbox just now. The fence rises with every change of hands, so that a sleeper who wakes late writes nothing.
CREATE TABLE outbox_lease (
    inbox_id uuid PRIMARY KEY,
    workspace_id uuid NOT NULL,
    holder uuid NOT NULL,
    fence bigint NOT NULL DEFAULT 1,
    expires_at timestamptz NOT NULL,
    paused_until timestamptz,
    FOREIGN KEY (workspace_id, inbox_id) REFERENCES inbox (workspace_id, id) ON DELETE CASCADE
);
SELECT comptoir_protect('outbox_lease', 'SELECT');
