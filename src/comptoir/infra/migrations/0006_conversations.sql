-- room: conversations

-- The row carries what the list shows, so that the list is one index scan.
CREATE TABLE conversation (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    contact_id uuid NOT NULL,
    inbox_id uuid NOT NULL,
    channel text NOT NULL,
    identity_id uuid NOT NULL,
    thread_key uuid NOT NULL,
    lane smallint NOT NULL,
    status text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'closed')),
    priority smallint NOT NULL DEFAULT 0 CHECK (priority BETWEEN 0 AND 4),
    assignee_id uuid,
    label_ids uuid[] NOT NULL DEFAULT '{}',
    locale text,
    last_seq integer NOT NULL DEFAULT 0,
    inbound_count integer NOT NULL DEFAULT 0,
    last_message jsonb,
    last_inbound_at timestamptz,
    waiting_since timestamptz,
    contact_delivered_seq integer NOT NULL DEFAULT 0,
    contact_read_seq integer NOT NULL DEFAULT 0,
    agents_read_seq integer NOT NULL DEFAULT 0,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    last_activity_at timestamptz NOT NULL DEFAULT now(),
    closed_at timestamptz,
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id, contact_id) REFERENCES contact (workspace_id, id),
    FOREIGN KEY (workspace_id, inbox_id) REFERENCES inbox (workspace_id, id),
    FOREIGN KEY (workspace_id, assignee_id) REFERENCES agent (workspace_id, id)
) WITH (fillfactor = 80, autovacuum_analyze_scale_factor = 0.02);
CREATE INDEX conversation_by_activity ON conversation (workspace_id, status, last_activity_at DESC, id DESC);
-- The nil uuid stands for nobody: an index read in its order can be entered by `=`, but not by IS NULL. CASE, because row-level security takes coalesce() for leaky.
CREATE INDEX conversation_by_assignee ON conversation (
    workspace_id, status, (CASE WHEN assignee_id IS NULL THEN '00000000-0000-0000-0000-000000000000'::uuid ELSE assignee_id END), last_activity_at DESC, id DESC
);
CREATE INDEX conversation_by_inbox ON conversation (workspace_id, status, inbox_id, last_activity_at DESC, id DESC);
CREATE INDEX conversation_by_contact ON conversation (workspace_id, contact_id);
SELECT comptoir_protect('conversation');

-- The list of a label, so that it too is one index scan. Triggers keep it, so that no statement can forget it; a conversation without labels costs nothing.
CREATE TABLE conversation_label (
    workspace_id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    label_id uuid NOT NULL,
    status text NOT NULL,
    last_activity_at timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, conversation_id, label_id),
    FOREIGN KEY (workspace_id, conversation_id) REFERENCES conversation (workspace_id, id) ON DELETE CASCADE
) WITH (fillfactor = 80);
CREATE INDEX conversation_label_by_activity ON conversation_label (workspace_id, label_id, status, last_activity_at DESC, conversation_id DESC);
SELECT comptoir_protect('conversation_label');

CREATE FUNCTION comptoir_list_labels() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp
AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.label_ids = NEW.label_ids THEN
        UPDATE conversation_label SET status = NEW.status, last_activity_at = NEW.last_activity_at
         WHERE workspace_id = NEW.workspace_id AND conversation_id = NEW.id;
        RETURN NULL;
    END IF;
    DELETE FROM conversation_label WHERE workspace_id = NEW.workspace_id AND conversation_id = NEW.id;
    INSERT INTO conversation_label (workspace_id, conversation_id, label_id, status, last_activity_at)
    SELECT DISTINCT NEW.workspace_id, NEW.id, label_id, NEW.status, NEW.last_activity_at FROM unnest(NEW.label_ids) AS label_id;
    RETURN NULL;
END $$;
CREATE TRIGGER conversation_label_inserted AFTER INSERT ON conversation
    FOR EACH ROW WHEN (cardinality(NEW.label_ids) > 0) EXECUTE FUNCTION comptoir_list_labels();
CREATE TRIGGER conversation_label_updated AFTER UPDATE ON conversation
    FOR EACH ROW WHEN (cardinality(OLD.label_ids) + cardinality(NEW.label_ids) > 0
        AND (OLD.label_ids, OLD.status, OLD.last_activity_at) IS DISTINCT FROM (NEW.label_ids, NEW.status, NEW.last_activity_at))
    EXECUTE FUNCTION comptoir_list_labels();

CREATE TABLE message (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    seq integer NOT NULL,
    inbox_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('message', 'note')),
    author_kind text NOT NULL CHECK (author_kind IN ('contact', 'agent', 'bot', 'system')),
    author_id uuid,
    content jsonb NOT NULL,
    reply_to_id uuid,
    origin_id text,
    raw_event_id uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, id),
    UNIQUE (workspace_id, conversation_id, seq),
    FOREIGN KEY (workspace_id, conversation_id) REFERENCES conversation (workspace_id, id)
    -- A workspace that the statistics do not know yet is taken for a row or two, and then read whole: they follow growth closely here and above.
) WITH (autovacuum_analyze_scale_factor = 0.02);
SELECT comptoir_protect('message');

-- How far each agent has read; unread is a subtraction, never a count.
CREATE TABLE conversation_read (
    workspace_id uuid NOT NULL,
    agent_id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    read_seq integer NOT NULL DEFAULT 0,
    read_count integer NOT NULL DEFAULT 0,
    PRIMARY KEY (workspace_id, agent_id, conversation_id),
    FOREIGN KEY (workspace_id, conversation_id) REFERENCES conversation (workspace_id, id) ON DELETE CASCADE
);
SELECT comptoir_protect('conversation_read');

CREATE TABLE label (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    name text NOT NULL,
    colour text NOT NULL DEFAULT 'zinc' CHECK (colour IN ('zinc', 'brass', 'green', 'brick', 'sky', 'plum')),
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id) REFERENCES workspace (id)
);
CREATE UNIQUE INDEX label_by_name ON label (workspace_id, lower(name));
SELECT comptoir_protect('label');

-- Counters instead of counts: the nil uuid stands for nobody.
CREATE TABLE conversation_counter (
    workspace_id uuid NOT NULL,
    status text NOT NULL,
    assignee_id uuid NOT NULL,
    total bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (workspace_id, status, assignee_id)
) WITH (fillfactor = 50);
SELECT comptoir_protect('conversation_counter');

-- Written with the message, moved by the outbox (which owns its state from then on).
CREATE TABLE delivery (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    message_id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    inbox_id uuid NOT NULL,
    identity_id uuid NOT NULL,
    seq integer NOT NULL,
    state text NOT NULL CHECK (state IN ('queued', 'sending', 'held', 'sent', 'delivered', 'read', 'failed', 'uncertain')),
    bulk boolean NOT NULL DEFAULT false,
    attempts smallint NOT NULL DEFAULT 0,
    fence bigint NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL DEFAULT now(),
    give_up_at timestamptz NOT NULL,
    verdict jsonb NOT NULL,
    error_code text,
    error_message text,
    created_at timestamptz NOT NULL DEFAULT now(),
    sent_at timestamptz,
    delivered_at timestamptz,
    read_at timestamptz,
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id, message_id) REFERENCES message (workspace_id, id)
) WITH (fillfactor = 80);
CREATE INDEX delivery_by_message ON delivery (workspace_id, message_id);
-- An uncertain delivery holds those behind it until its `due_at`, long enough for an echo to settle it.
CREATE INDEX delivery_waiting ON delivery (inbox_id, bulk, due_at) WHERE state IN ('queued', 'held', 'sending');
CREATE INDEX delivery_in_thread ON delivery (conversation_id, identity_id, seq) WHERE state IN ('queued', 'held', 'sending', 'uncertain');
CREATE INDEX delivery_unread ON delivery (workspace_id, conversation_id, seq) WHERE state IN ('sent', 'delivered');
CREATE INDEX delivery_to_settle ON delivery (workspace_id, state, created_at DESC, id DESC) WHERE state IN ('uncertain', 'failed');
SELECT comptoir_protect('delivery');

-- Provider ids of sent messages, in a narrow table of their own so that updates of deliveries stay HOT.
CREATE TABLE sent_ref (
    workspace_id uuid NOT NULL,
    inbox_id uuid NOT NULL,
    provider_id text NOT NULL,
    delivery_id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    seq integer NOT NULL,
    PRIMARY KEY (inbox_id, provider_id),
    FOREIGN KEY (workspace_id, delivery_id) REFERENCES delivery (workspace_id, id) ON DELETE CASCADE
);
CREATE INDEX sent_ref_by_delivery ON sent_ref (workspace_id, delivery_id);
SELECT comptoir_protect('sent_ref', 'SELECT');

-- A receipt may overtake the answer to the request that sent its message; it waits here, for an hour at most, until the provider's id is known.
CREATE TABLE early_receipt (
    workspace_id uuid NOT NULL,
    inbox_id uuid NOT NULL,
    provider_id text NOT NULL,
    state text NOT NULL CHECK (state IN ('delivered', 'read')),
    received_at timestamptz NOT NULL,
    PRIMARY KEY (inbox_id, provider_id, state)
);
SELECT comptoir_protect('early_receipt', 'SELECT');

CREATE TABLE attachment (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    inbox_id uuid,
    uploader_kind text NOT NULL CHECK (uploader_kind IN ('contact', 'agent', 'system')),
    uploader text NOT NULL,
    name text NOT NULL,
    media_type text NOT NULL,
    size bigint NOT NULL,
    width integer,
    height integer,
    blob_key text NOT NULL,
    preview_key text,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id) REFERENCES workspace (id)
);
SELECT comptoir_protect('attachment');

-- Filled beside the hot path, in batches, by a reader of the journal that remembers its position.
CREATE TABLE search_document (
    workspace_id uuid NOT NULL,
    message_id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    seq integer NOT NULL,
    created_at timestamptz NOT NULL,
    language regconfig NOT NULL,
    words tsvector NOT NULL,
    PRIMARY KEY (workspace_id, message_id)
);
CREATE INDEX search_document_by_words ON search_document USING gin (workspace_id, words) WITH (fastupdate = on);
SELECT comptoir_protect('search_document', 'SELECT');
CREATE TABLE search_cursor (
    workspace_id uuid PRIMARY KEY,
    position bigint NOT NULL DEFAULT 0
);
SELECT comptoir_protect('search_cursor', 'SELECT');

-- Full-text operators are not leakproof: under row-level security they would lose their index. The function checks the workspace itself.
-- A frequent word is found among the newest messages, read in their order; a rare one by the GIN index, whose hits come out first (MATERIALIZED) and are sorted
-- after. Neither way alone would do: the one reads everything for a rare word, the other sorts a fifth of everything for a frequent one.
CREATE INDEX search_document_by_age ON search_document (workspace_id, created_at DESC, message_id DESC);
CREATE FUNCTION search_messages(fr tsquery, en tsquery, plain tsquery, before timestamptz, before_id uuid, most integer)
RETURNS TABLE (message_id uuid, conversation_id uuid, seq integer, created_at timestamptz, language regconfig)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
    sought CONSTANT tsquery := fr || en || plain;
    since timestamptz := coalesce(before, 'infinity');
    since_id uuid := coalesce(before_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff');
    missing integer := least(most, 100);
    newest integer := 4000;
    seen integer;
BEGIN
    FOR attempt IN 1..2 LOOP
        RETURN QUERY
            SELECT n.message_id, n.conversation_id, n.seq, n.created_at, n.language
              FROM (SELECT d.* FROM search_document d
                     WHERE d.workspace_id = comptoir_workspace() AND (d.created_at, d.message_id) < (since, since_id)
                     ORDER BY d.created_at DESC, d.message_id DESC LIMIT newest) n
             WHERE n.words @@ sought
             ORDER BY n.created_at DESC, n.message_id DESC LIMIT missing;
        GET DIAGNOSTICS seen = ROW_COUNT;
        missing := missing - seen;
        IF missing = 0 THEN
            RETURN;
        END IF;
        -- The last one looked at; where there is none, all have been.
        SELECT d.created_at, d.message_id INTO since, since_id FROM search_document d
         WHERE d.workspace_id = comptoir_workspace() AND (d.created_at, d.message_id) < (since, since_id)
         ORDER BY d.created_at DESC, d.message_id DESC OFFSET newest - 1 LIMIT 1;
        IF NOT FOUND THEN
            RETURN;
        END IF;
        EXIT WHEN seen = 0;
        -- As far again as the missing ones should lie, and half as far more; beyond that the index is the shorter way.
        newest := least(missing::bigint * newest * 3 / (seen * 2), 40000);
    END LOOP;
    RETURN QUERY
        WITH hits AS MATERIALIZED (
            SELECT d.message_id, d.conversation_id, d.seq, d.created_at, d.language
              FROM search_document d
             WHERE d.workspace_id = comptoir_workspace() AND d.words @@ sought
        )
        SELECT h.message_id, h.conversation_id, h.seq, h.created_at, h.language
          FROM hits h
         WHERE (h.created_at, h.message_id) < (since, since_id)
         ORDER BY h.created_at DESC, h.message_id DESC LIMIT missing;
END $$;
REVOKE EXECUTE ON FUNCTION search_messages(tsquery, tsquery, tsquery, timestamptz, uuid, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION search_messages(tsquery, tsquery, tsquery, timestamptz, uuid, integer) TO comptoir_app, comptoir_system;
