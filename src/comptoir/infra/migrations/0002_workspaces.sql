-- room: workspaces

-- A person signs in once per installation; what they may see hangs on their agents. Not a row of a workspace, hence no workspace_id;
-- the app's role reaches these three tables only through the functions of the room, by system transactions.
CREATE TABLE person (
    id uuid PRIMARY KEY,
    email text NOT NULL,
    name text NOT NULL,
    password_hash text,
    locale text NOT NULL DEFAULT 'en',
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX person_by_email ON person (lower(email));
GRANT SELECT, INSERT, UPDATE, DELETE ON person TO comptoir_system;

CREATE TABLE workspace (
    id uuid PRIMARY KEY,
    slug text NOT NULL UNIQUE,
    name text NOT NULL,
    locale text NOT NULL DEFAULT 'en',
    settings jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now()
);
GRANT SELECT, INSERT, UPDATE, DELETE ON workspace TO comptoir_system;

CREATE TABLE agent (
    workspace_id uuid NOT NULL REFERENCES workspace (id),
    id uuid NOT NULL,
    person_id uuid NOT NULL REFERENCES person (id),
    role text NOT NULL CHECK (role IN ('owner', 'admin', 'agent', 'observer')),
    name text NOT NULL,
    active boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, id),
    UNIQUE (workspace_id, person_id)
);
CREATE INDEX agent_by_person ON agent (person_id);
SELECT comptoir_protect('agent');

-- What other rooms may join: who a colleague is. The view runs with its reader's rights, so row-level security holds through it.
CREATE VIEW agent_name WITH (security_invoker = true) AS SELECT workspace_id, id, name, active FROM agent;
GRANT SELECT ON agent_name TO comptoir_app, comptoir_system;

CREATE TABLE session (
    id uuid PRIMARY KEY,
    token_hash bytea NOT NULL UNIQUE,
    person_id uuid NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    seen_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL
);
CREATE INDEX session_by_person ON session (person_id);
GRANT SELECT, INSERT, UPDATE, DELETE ON session TO comptoir_system;

CREATE TABLE api_key (
    workspace_id uuid NOT NULL REFERENCES workspace (id),
    id uuid NOT NULL,
    name text NOT NULL,
    role text NOT NULL CHECK (role IN ('owner', 'admin', 'agent', 'observer')),
    token_hash bytea NOT NULL UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz,
    PRIMARY KEY (workspace_id, id)
);
SELECT comptoir_protect('api_key');

-- Refusals of sign-in are counted here, so that the limit holds over all processes.
CREATE TABLE rate_limit (
    bucket text NOT NULL,
    slot timestamptz NOT NULL,
    hits integer NOT NULL DEFAULT 1,
    PRIMARY KEY (bucket, slot)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON rate_limit TO comptoir_system;
