-- Groups within groups, ones that take no part, names of groups; the fields are used more than once and in conditions.
CREATE STREAM OUT1 (A VARCHAR(10), B VARCHAR(10), C VARCHAR(10), D VARCHAR(10), AB VARCHAR(20));
CREATE PUMP P AS INSERT INTO OUT1
SELECT STREAM R.COLUMN1, R.COLUMN2, R.COLUMN3, R.COLUMN4, R.COLUMN1 || R.COLUMN1 FROM (SELECT STREAM REGEX_LOG_PARSE(L, '((\w+)=(?<value>\d*))(;.*)?') R FROM S) WHERE R.COLUMN2 <> 'skip';
