-- How far the records of the journal are in the log: the number of the last. One row.
CREATE TABLE journal (
  id integer PRIMARY KEY CHECK (id = 1),
  taken integer NOT NULL
);
INSERT INTO journal VALUES (1, 0);
