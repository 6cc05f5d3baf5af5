-- Ten-second groups, and minutes of them. A ten-second window that ends with the minute has the minute's end as its ROWTIME: it belongs to the next one.
CREATE STREAM TENS (k VARCHAR(4), n BIGINT, total BIGINT);
CREATE STREAM MINUTES (parts BIGINT, n BIGINT, total BIGINT);
CREATE PUMP P1 AS INSERT INTO TENS SELECT STREAM k, COUNT(*), SUM(v) FROM S GROUP BY k, STEP(S.ROWTIME BY INTERVAL '10' SECOND);
CREATE PUMP P2 AS INSERT INTO MINUTES SELECT STREAM COUNT(*), SUM(n), SUM(total) FROM TENS GROUP BY FLOOR(TENS.ROWTIME TO MINUTE);
