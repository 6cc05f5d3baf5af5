-- The example of the page "Temporal Predicates": an alarm if a window is open while the air conditioner is on.
create stream alarmStream (houseID INTEGER, roomID INTEGER, alarmTime TIMESTAMP, alarmMessage VARCHAR(60));
create or replace pump alarmPump as insert into alarmStream(houseID, roomID, alarmTime, alarmMessage)
    select stream w.houseID, w.roomID, current_timestamp, 'Window open while air conditioner is on.'
    from windowIsOpenEvents over (range interval '1' minute preceding) w join acIsOnEvents over (range interval '1' minute preceding) h on w.houseID = h.houseID
    where (h.startTime, h.endTime) overlaps (w.startTime, w.endTime);
