-- wrk script: each request registers another person under its own idempotency key.
-- Environment variables: FIRST, the number before the first person, and KEY, the access key.
local number = tonumber(os.getenv("FIRST"))
local headers = {["Content-Type"] = "application/json", ["Authorization"] = "Bearer " .. os.getenv("KEY")}
local person = '{"name":"Peserta %d","nik":"319901%02d%02d%02d%04d","phone":"+628123456789",' ..
  '"region":"31.71.01.1001","business":{"name":"Warung Contoh","category":"kuliner"},"agency":"ppkukm",' ..
  '"campaign":"fest-2021","booth":"booth-07","consent":"2026-01","occurred_at":"2021-10-24T19:04:58+07:00"}'

function request()
  number = number + 1
  headers["Idempotency-Key"] = string.format("bench-%d", number)
  local days, months, years = 28, 12, 100
  local body = string.format(person, number, 1 + number % days, 1 + math.floor(number / days) % months,
    math.floor(number / (days * months)) % years, math.floor(number / (days * months * years)))
  return wrk.format("POST", "/v1/participants", headers, body)
end

function done(summary)
  local errors = summary.errors
  io.write(string.format('{"answered":%d,"seconds":%f,"failed":%d}\n', summary.requests, summary.duration / 1e6,
    errors.status + errors.connect + errors.read + errors.write + errors.timeout))
end
