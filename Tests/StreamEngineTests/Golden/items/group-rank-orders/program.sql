-- Ranks from the least, leaving from the last rank, two rows of a group; without an idle time a group waits for another ROWTIME.
CREATE STREAM OUT1 (K VARCHAR(4), V INTEGER, R INTEGER);
CREATE PUMP P AS INSERT INTO OUT1 SELECT STREAM K, V, "r" FROM TABLE(GROUP_RANK(CURSOR(SELECT STREAM * FROM S), 'V', 'r', 'asc', 'desc', 0, 3));
