-- A page is read from indexes alone where a vacuum has seen the rows. By PostgreSQL's own rule a fifth of all rows would be new
-- before one comes; of tables that are only added to it reads no more than what was added.
ALTER TABLE activities SET (autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 50000);
