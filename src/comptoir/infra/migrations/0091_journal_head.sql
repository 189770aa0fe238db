-- room: infra

-- What other rooms may join: how far each workspace's journal has come. Only the system's role follows journals.
CREATE VIEW journal_head AS SELECT workspace_id, position FROM workspace_position;
GRANT SELECT ON journal_head TO comptoir_system;
