-- A record may hold several JSON texts, one after the other: a row each. One that breaks takes the whole record to error_stream.
CREATE STREAM A (v INTEGER);
CREATE PUMP P AS INSERT INTO A SELECT STREAM v FROM S;
