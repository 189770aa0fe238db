-- room: contacts

CREATE TABLE contact (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    name text,
    email text,
    phone text,
    locale text,
    time_zone text,
    blocked boolean NOT NULL DEFAULT false,
    attributes jsonb NOT NULL DEFAULT '{}',
    last_page jsonb,
    last_seen_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id) REFERENCES workspace (id)
);
CREATE INDEX contact_by_age ON contact (workspace_id, created_at DESC, id DESC);
CREATE INDEX contact_by_words ON contact USING gin (
    workspace_id, comptoir_fold(coalesce(name, '') || ' ' || coalesce(email, '') || ' ' || coalesce(phone, '')) gin_trgm_ops
);
SELECT comptoir_protect('contact');

-- The thread key is a hash of (inbox, address): known before the identity stands, it orders the work of one contact in one lane.
CREATE TABLE identity (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    inbox_id uuid NOT NULL,
    contact_id uuid NOT NULL,
    address text NOT NULL,
    thread_key uuid NOT NULL UNIQUE,
    lane smallint NOT NULL CHECK (lane BETWEEN 0 AND 63),
    conversation_id uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id, contact_id) REFERENCES contact (workspace_id, id),
    FOREIGN KEY (workspace_id, inbox_id) REFERENCES inbox (workspace_id, id)
);
CREATE INDEX identity_by_contact ON identity (workspace_id, contact_id);
SELECT comptoir_protect('identity');

-- What ingest asks: the lane stored on the identity, made equal when identities join one contact.
CREATE VIEW thread_lane AS SELECT thread_key, lane FROM identity;
GRANT SELECT ON thread_lane TO comptoir_system;

-- trigram operators are not leakproof and lose their index under row-level security; this function stands in and checks the workspace itself.
CREATE FUNCTION search_contacts(words text, most integer, skip integer)
RETURNS TABLE (id uuid, rank real)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    SELECT c.id,
           word_similarity(comptoir_fold(words), comptoir_fold(coalesce(c.name, '') || ' ' || coalesce(c.email, '') || ' ' || coalesce(c.phone, ''))) AS rank
      FROM contact c
     WHERE c.workspace_id = comptoir_workspace()
       AND (comptoir_fold(coalesce(c.name, '') || ' ' || coalesce(c.email, '') || ' ' || coalesce(c.phone, ''))
            LIKE '%' || replace(replace(replace(comptoir_fold(words), '\', '\\'), '%', '\%'), '_', '\_') || '%'
            OR comptoir_fold(words) <% comptoir_fold(coalesce(c.name, '') || ' ' || coalesce(c.email, '') || ' ' || coalesce(c.phone, '')))
     ORDER BY rank DESC, c.created_at DESC, c.id
     LIMIT least(most, 100) OFFSET least(skip, 1000)
$$;
REVOKE EXECUTE ON FUNCTION search_contacts(text, integer, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION search_contacts(text, integer, integer) TO comptoir_app, comptoir_system;
