-- wrk's requests: PutRecord with a new key each, or with RECORDS=500 in the environment PutRecords of so many; records of BYTES bytes.
local records = tonumber(os.getenv("RECORDS") or "1")
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/x-amz-json-1.1"
wrk.headers["X-Amz-Target"] = records == 1 and "Kinesis_20131202.PutRecord" or "Kinesis_20131202.PutRecords"
local bytes = tonumber(os.getenv("BYTES") or "102")
local data = string.rep("QUJD", bytes / 3)
local number = 0
local body
if records > 1 then
    local entries = {}
    for i = 1, records do entries[i] = '{"PartitionKey":"k' .. i .. '","Data":"' .. data .. '"}' end
    body = '{"StreamName":"bench","Records":[' .. table.concat(entries, ",") .. "]}"
end
request = function()
    if body then return wrk.format(nil, "/", nil, body) end
    number = number + 1
    return wrk.format(nil, "/", nil, '{"StreamName":"bench","PartitionKey":"k' .. number .. '","Data":"' .. data .. '"}')
end
