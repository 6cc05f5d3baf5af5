-- The last two rows of one side, the last one of the other; what is unmatched leaves when newer rows push it out, at the end of the input the rest.
CREATE STREAM OUT1 (AK VARCHAR(8), BK VARCHAR(8), V INTEGER, W DOUBLE);
CREATE PUMP P AS INSERT INTO OUT1 SELECT STREAM A.K, B.K, V, W FROM A OVER (ROWS 2 PRECEDING) LEFT JOIN B OVER (ROWS 1 PRECEDING) ON A.K = B.K;
