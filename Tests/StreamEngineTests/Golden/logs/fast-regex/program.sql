-- The examples of the page (SQL Reference, "FAST_REGEX_LOG_PARSER"): every step ends as early as it can and nothing is tried again, so that A does not match.
-- The page prints a_little_lamb for the second field of the first; by its own rules the field ends at the next underscore.
CREATE STREAM OUT1 (F1 VARCHAR(30), F2 VARCHAR(30), A1 VARCHAR(30), A2 VARCHAR(30), B1 VARCHAR(30), B2 VARCHAR(30), C1 VARCHAR(30), C2 VARCHAR(30));
CREATE PUMP P AS INSERT INTO OUT1
SELECT STREAM T.F."COLUMN1", T.F."COLUMN2", T.A.COLUMN1, T.A.COLUMN2, T.B.COLUMN1, T.B.COLUMN2, T.C.COLUMN1, T.C.COLUMN2 FROM (SELECT STREAM
  FAST_REGEX_LOG_PARSE(L, '(.*)_(._.*)_.*') AS F, FAST_REGEX_LOG_PARSE(L, '(.*)_+(._.*)') AS A,
  FAST_REGEX_LOG_PARSE(L, '(.*)_+(.*)') AS B, FAST_REGEX_LOG_PARSER(L, '(.*)_+(<Alpha>.*)') AS C FROM S) AS T;
