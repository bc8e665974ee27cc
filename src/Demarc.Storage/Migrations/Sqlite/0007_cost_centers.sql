ALTER TABLE users ADD COLUMN cost_center text;
