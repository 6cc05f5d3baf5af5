-- The example of the page: over 30 seconds, values of the last 10 weigh twice those of the 10 before and four times the oldest (SQL Reference, "EXP_AVG").
CREATE STREAM OUT1 (TICKER VARCHAR(4), PRICE DOUBLE, AVGPRICE DOUBLE);
CREATE PUMP P AS INSERT INTO OUT1
select stream ticker, price, exp_avg(price, INTERVAL '10' SECOND) over w as avgPrice
from s window w as (partition by ticker range interval '30' second preceding);
