-- Late events show as further rows of a later window (Developer Guide, "Timestamps and the ROWTIME Column").
CREATE STREAM COUNTS (event_minute TIMESTAMP, k VARCHAR(4), n BIGINT);
CREATE PUMP P AS INSERT INTO COUNTS
SELECT STREAM STEP(S.event_time BY INTERVAL '1' MINUTE), k, COUNT(*) FROM S
GROUP BY STEP(S.ROWTIME BY INTERVAL '1' MINUTE), STEP(S.event_time BY INTERVAL '1' MINUTE), k;
