-- Deployments that asked a replica for patience, and until when, so that the others have it too; 0 for none.
ALTER TABLE breakers ADD COLUMN busy_until integer NOT NULL DEFAULT 0;
