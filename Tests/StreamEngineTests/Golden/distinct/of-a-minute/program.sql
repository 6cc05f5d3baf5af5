-- The form of the page: the products ordered in each minute, each as soon as it is new; ROWTIME tells no rows apart (SQL Reference, "SELECT ALL and SELECT DISTINCT").
CREATE STREAM OUT1 (AT TIMESTAMP, PRODID VARCHAR(4), M TIMESTAMP);
CREATE PUMP P AS INSERT INTO OUT1 SELECT STREAM DISTINCT ROWTIME, prodId, FLOOR(Orders.ROWTIME TO MINUTE) FROM Orders;
