-- room: ingest

-- The bytes as they came. Partitioned by arrival; dropped after the workspace's retention.
CREATE TABLE raw_event (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    inbox_id uuid NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    headers jsonb,
    body bytea NOT NULL,
    PRIMARY KEY (workspace_id, id, received_at)
) PARTITION BY RANGE (received_at);
CREATE TABLE raw_event_default PARTITION OF raw_event DEFAULT;
CREATE INDEX raw_event_by_time ON raw_event USING brin (received_at);
SELECT comptoir_protect('raw_event', 'SELECT');

-- Weeks whose raw events have all been deleted go as whole tables, which costs nothing and gives the space back.
CREATE FUNCTION comptoir_drop_empty_weeks(before timestamptz) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    child regclass;
    empty boolean;
    dropped integer := 0;
BEGIN
    FOR child IN SELECT i.inhrelid::regclass FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
                  WHERE i.inhparent = 'raw_event'::regclass
                    AND c.relname <> 'raw_event_default'
                    AND c.relname < 'raw_event_' || to_char(before AT TIME ZONE 'UTC', 'IYYY"w"IW') LOOP
        EXECUTE format('SELECT NOT EXISTS (SELECT 1 FROM %s)', child) INTO empty;
        IF empty THEN
            EXECUTE format('DROP TABLE %s', child);
            dropped := dropped + 1;
        END IF;
    END LOOP;
    RETURN dropped;
END $$;
REVOKE EXECUTE ON FUNCTION comptoir_drop_empty_weeks(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION comptoir_drop_empty_weeks(timestamptz) TO comptoir_system;

-- Deduplication keys outlive the raw events. The key is a hash of (inbox, provider's key), so that its length is bounded.
CREATE TABLE event_key (
    workspace_id uuid NOT NULL,
    key uuid PRIMARY KEY,
    received_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX event_key_by_time ON event_key USING brin (received_at);
SELECT comptoir_protect('event_key', 'SELECT');

-- Work waiting for its lane, in order of position. Deleted in the transaction that gives it its effect.
CREATE SEQUENCE todo_position AS bigint CACHE 1;
GRANT USAGE ON SEQUENCE todo_position TO comptoir_app, comptoir_system;
CREATE TABLE todo (
    position bigint PRIMARY KEY DEFAULT nextval('todo_position'),
    lane smallint NOT NULL CHECK (lane BETWEEN 0 AND 63),
    thread_key uuid NOT NULL,
    workspace_id uuid NOT NULL,
    kind text NOT NULL,
    fact bytea NOT NULL,
    replayed boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now()
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX todo_by_lane ON todo (lane, position);
SELECT comptoir_protect('todo', 'INSERT');

-- One row a lane; a worker that holds the row's lock works the lane.
CREATE TABLE lane (id smallint PRIMARY KEY);
INSERT INTO lane SELECT generate_series(0, 63);
GRANT SELECT, UPDATE ON lane TO comptoir_system;

-- A thread whose work failed waits here; the others go on.
CREATE TABLE parked_thread (
    thread_key uuid PRIMARY KEY,
    workspace_id uuid NOT NULL,
    lane smallint NOT NULL,
    attempts integer NOT NULL DEFAULT 1,
    parked_until timestamptz NOT NULL,
    reason text NOT NULL,
    since timestamptz NOT NULL DEFAULT now()
);
SELECT comptoir_protect('parked_thread', 'SELECT');

-- Events that the database itself refused, kept as bytes for a person to look at.
CREATE TABLE quarantined_event (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    inbox_id uuid NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    reason text NOT NULL,
    headers jsonb,
    body bytea NOT NULL,
    PRIMARY KEY (workspace_id, id)
);
CREATE INDEX quarantined_event_by_inbox ON quarantined_event (workspace_id, inbox_id, received_at DESC);
SELECT comptoir_protect('quarantined_event', 'SELECT, DELETE');
