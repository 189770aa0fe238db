-- room: inboxes

CREATE TABLE inbox (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL UNIQUE,
    channel text NOT NULL,
    name text NOT NULL,
    slug text UNIQUE,
    settings jsonb NOT NULL DEFAULT '{}',
    credentials bytea,
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'paused')),
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id) REFERENCES workspace (id)
);
SELECT comptoir_protect('inbox');

-- Written by the exits and the door at most once in some seconds per inbox, never per message.
CREATE TABLE inbox_health (
    workspace_id uuid NOT NULL,
    inbox_id uuid NOT NULL,
    last_event_at timestamptz,
    last_error_at timestamptz,
    last_error text,
    PRIMARY KEY (workspace_id, inbox_id),
    FOREIGN KEY (workspace_id, inbox_id) REFERENCES inbox (workspace_id, id) ON DELETE CASCADE
);
SELECT comptoir_protect('inbox_health');
