-- Lists of columns with types and formats; a text that is no value of its type is a row error, as is NULL in a NOT NULL field.
CREATE STREAM OUT1 (K VARCHAR(4), N INTEGER, AT TIMESTAMP, D DATE, PRICE DECIMAL(6,2));
CREATE PUMP P AS INSERT INTO OUT1
SELECT STREAM T.R."k", T.R.N, T.R."at", T.R.D, T.R.PRICE FROM (SELECT STREAM VARIABLE_COLUMN_LOG_PARSE(L,
  '"k" TYPE VARCHAR(4) NOT NULL, N TYPE INTEGER, "at" TYPE TIMESTAMP ''dd/MMM/yyyy:HH:mm:ss'', D TYPE DATE, PRICE TYPE DECIMAL(6,2)', ';') AS R FROM S) AS T;
