-- room: infra

-- Gives facts their positions and journals them. It is sent in one round trip with COMMIT, so that the lock of the workspace's position is held while the
-- commit is written and no longer: a slow client in between would hold up everybody else who commits in the workspace.
-- `facts` is an array of {w: workspace, k: kind, c: conversation, m: message, d: data}.
CREATE FUNCTION comptoir_journal(facts jsonb, at timestamptz) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    -- In one order, so that two transactions over the same workspaces never wait for each other in a circle.
    PERFORM 1 FROM workspace_position
      WHERE workspace_id IN (SELECT (f ->> 'w')::uuid FROM jsonb_array_elements(facts) AS f)
      ORDER BY workspace_id FOR UPDATE;
    WITH given AS (
        SELECT (f ->> 'w')::uuid AS workspace_id, f ->> 'k' AS kind, (f ->> 'c')::uuid AS conversation_id,
               (f ->> 'm')::uuid AS message_id, f -> 'd' AS data, nth
          FROM jsonb_array_elements(facts) WITH ORDINALITY AS e (f, nth)
    ), bumped AS (
        INSERT INTO workspace_position AS p (workspace_id, position)
        SELECT workspace_id, count(*) FROM given GROUP BY workspace_id ORDER BY workspace_id
        ON CONFLICT (workspace_id) DO UPDATE SET position = p.position + excluded.position
        RETURNING p.workspace_id, p.position
    )
    INSERT INTO fact (workspace_id, position, occurred_at, kind, conversation_id, message_id, data)
    SELECT g.workspace_id,
           b.position - count(*) OVER (PARTITION BY g.workspace_id) + row_number() OVER (PARTITION BY g.workspace_id ORDER BY g.nth),
           at, g.kind, g.conversation_id, g.message_id, g.data
      FROM given g JOIN bumped b USING (workspace_id);
END $$;
REVOKE EXECUTE ON FUNCTION comptoir_journal(jsonb, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION comptoir_journal(jsonb, timestamptz) TO comptoir_app, comptoir_system;
