-- Where an alias is going to, for a share of its sessions, and where it came from.
ALTER TABLE aliases ADD COLUMN staged_targets text;
ALTER TABLE aliases ADD COLUMN staged_per_mille integer;
ALTER TABLE aliases ADD COLUMN previous_targets text;
