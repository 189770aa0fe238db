-- room: infra
-- What every other migration rests on: extensions, the two plain roles, row-level security helpers, partitions, and the fact journal.

CREATE EXTENSION IF NOT EXISTS unaccent;
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS btree_gin;

-- Roles belong to the whole server, so another database of it may have made them already, even at this very moment.
DO $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'comptoir_app') THEN
        CREATE ROLE comptoir_app NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;
DO $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'comptoir_system') THEN
        CREATE ROLE comptoir_system NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;
DO $$
BEGIN
    EXECUTE format('GRANT comptoir_app, comptoir_system TO %I', current_user);
EXCEPTION WHEN OTHERS THEN
    -- A superuser needs no grant, and a concurrent grant of the same may fail with "tuple concurrently updated".
    IF NOT pg_has_role(current_user, 'comptoir_app', 'MEMBER') THEN RAISE; END IF;
END $$;

-- The database the roles work in is named after the installation, so the grant is written dynamically.
DO $$
BEGIN
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO comptoir_app, comptoir_system', current_database());
END $$;
GRANT USAGE ON SCHEMA public TO comptoir_app, comptoir_system;

-- The workspace of the running transaction; null outside one, so that policies then show nothing.
CREATE FUNCTION comptoir_workspace() RETURNS uuid
LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT nullif(current_setting('comptoir.workspace_id', true), '')::uuid $$;

-- Gives a table its two policies: the app's sees one workspace, the system's sees all.
CREATE FUNCTION comptoir_protect(target regclass, app_rights text DEFAULT 'SELECT, INSERT, UPDATE, DELETE') RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
    EXECUTE format('CREATE POLICY app_policy ON %s TO comptoir_app USING (workspace_id = (SELECT comptoir_workspace())) WITH CHECK (workspace_id = (SELECT comptoir_workspace()))', target);
    EXECUTE format('CREATE POLICY system_policy ON %s TO comptoir_system USING (true) WITH CHECK (true)', target);
    EXECUTE format('GRANT %s ON %s TO comptoir_app', app_rights, target);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO comptoir_system', target);
END $$;

-- Weekly partitions by server arrival. Called at every migration and by a daily job; safe to repeat.
CREATE FUNCTION comptoir_ensure_partitions(ahead integer DEFAULT 3) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    parent text;
    week date;
    child text;
    made integer := 0;
BEGIN
    FOREACH parent IN ARRAY ARRAY['fact', 'raw_event'] LOOP
        IF to_regclass(parent) IS NULL THEN CONTINUE; END IF;
        FOR i IN 0..ahead LOOP
            week := date_trunc('week', now() AT TIME ZONE 'UTC')::date + 7 * i;
            child := parent || '_' || to_char(week, 'IYYY"w"IW');
            IF to_regclass(child) IS NULL THEN
                BEGIN
                    EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)', child, parent,
                        week::text || ' 00:00:00+00', (week + 7)::text || ' 00:00:00+00');
                    made := made + 1;
                EXCEPTION WHEN check_violation THEN
                    -- The default partition took rows of this week while nobody kept partitions ahead: they stay there.
                    NULL;
                END;
            END IF;
        END LOOP;
    END LOOP;
    RETURN made;
END $$;
GRANT EXECUTE ON FUNCTION comptoir_ensure_partitions(integer) TO comptoir_system;

-- Text search folds accents in documents, queries and highlights alike.
CREATE TEXT SEARCH CONFIGURATION comptoir_simple (COPY = simple);
ALTER TEXT SEARCH CONFIGURATION comptoir_simple ALTER MAPPING FOR hword, hword_part, word WITH unaccent, simple;
CREATE TEXT SEARCH CONFIGURATION comptoir_fr (COPY = french);
ALTER TEXT SEARCH CONFIGURATION comptoir_fr ALTER MAPPING FOR hword, hword_part, word WITH unaccent, french_stem;
CREATE TEXT SEARCH CONFIGURATION comptoir_en (COPY = english);
ALTER TEXT SEARCH CONFIGURATION comptoir_en ALTER MAPPING FOR hword, hword_part, word WITH unaccent, english_stem;

-- unaccent() is only STABLE because its dictionary could be replaced; ours is named, so the index may rest on it.
CREATE FUNCTION comptoir_fold(value text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
AS $$ SELECT lower(public.unaccent('public.unaccent'::regdictionary, value)) $$;

-- The position is given by the last statement of a transaction, under this row's lock, so positions are in commit order within a workspace.
CREATE TABLE workspace_position (
    workspace_id uuid PRIMARY KEY,
    position bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);
SELECT comptoir_protect('workspace_position', 'SELECT, INSERT, UPDATE');

-- The append-only journal of facts. Rows are read after a position; the entity state beside them is read fresh.
CREATE TABLE fact (
    workspace_id uuid NOT NULL,
    position bigint NOT NULL,
    occurred_at timestamptz NOT NULL DEFAULT now(),
    kind text NOT NULL,
    conversation_id uuid,
    message_id uuid,
    data jsonb,
    PRIMARY KEY (workspace_id, position, occurred_at)
) PARTITION BY RANGE (occurred_at);
-- Takes what no week takes, so that a missing partition never refuses a message.
CREATE TABLE fact_default PARTITION OF fact DEFAULT;
CREATE INDEX fact_by_time ON fact USING brin (occurred_at);
SELECT comptoir_protect('fact', 'SELECT, INSERT');
