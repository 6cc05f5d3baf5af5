-- One row a second whose own time lies five seconds before its arrival. The five rows that come after their window's end form one more
-- output of it, not one each.
CREATE STREAM M (T TIMESTAMP);
CREATE PUMP P AS INSERT INTO M SELECT STREAM T AS ROWTIME, T FROM S;
CREATE STREAM O (C BIGINT);
CREATE PUMP Q AS INSERT INTO O SELECT STREAM COUNT(*) FROM M GROUP BY FLOOR(M.ROWTIME TO MINUTE);
