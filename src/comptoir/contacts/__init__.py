"""People outside: contacts, and their identities in the inboxes."""
