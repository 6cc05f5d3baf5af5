-- A record that does not fit gives no row but a row of error_stream, in its place.
CREATE STREAM A (site VARCHAR(8), v INTEGER);
CREATE PUMP P AS INSERT INTO A SELECT STREAM site, v FROM S;
