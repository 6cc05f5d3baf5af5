-- From eight literals on IN looks into a table of them; it must mean what a chain of comparisons means.
CREATE OR REPLACE STREAM O (ID INTEGER, A BOOLEAN, B BOOLEAN, C BOOLEAN, D BOOLEAN, E BOOLEAN, F BOOLEAN);
CREATE OR REPLACE PUMP P AS INSERT INTO O
SELECT STREAM ID,
  I IN (1, 2, 3, 5, 8, 13, 21, 9223372036854775807),
  I NOT IN (1, 2, 3, 5, 8, 13, 21, 34),
  X IN (1.25, 2.50, 3.0, 4.000, 5.5, 6, 7, 8.001),
  T IN ('a', 'b ', '', 'd', 'e', 'f', 'g', 'long enough'),
  C IN ('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h   '),
  I IN (1, 2, 3, 5, 8, 13, 21, CAST(NULL AS INTEGER))
FROM S;
