-- Rows come for the present window, for the one after the next and for one that has ended, in turn: all three are open at the same time. What the
-- late one gives comes too late for the stream, whose ROWTIME may not fall.
CREATE STREAM A (n BIGINT, total BIGINT);
CREATE PUMP P AS INSERT INTO A SELECT STREAM COUNT(*), SUM(v) FROM (
  SELECT STREAM v FROM S
  UNION ALL SELECT STREAM S.ROWTIME + INTERVAL '20' SECOND AS ROWTIME, 100 * v FROM S
  UNION ALL SELECT STREAM S.ROWTIME - INTERVAL '10' SECOND AS ROWTIME, 10000 * v FROM S) AS u
GROUP BY STEP(u.ROWTIME BY INTERVAL '10' SECOND);
