-- Named classes, sets, unions, counts, numbers, quoted text; a character that is left over: no field at all.
CREATE STREAM OUT1 (IP VARCHAR(20), PORT VARCHAR(8), W VARCHAR(20), REST VARCHAR(20));
CREATE PUMP P AS INSERT INTO OUT1 SELECT STREAM R.* FROM (SELECT STREAM
  FAST_REGEX_LOG_PARSE(L, '(<0-255>.<0-255>)":"(<Digit>{1,5}) ([A-Z]<Lower>*|none) [^a-z]+(@)') AS R FROM S) AS T;
