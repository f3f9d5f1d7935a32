-- wrk script: sends requests that were made before the clock started, one random key each, and prints one JSON line.
--   wrk … -s requests.lua URL -- METHOD PATH CLIENT HIGHEST_KEY BODY      KEY in BODY is replaced by the key
local count = 10000
local requests, at = {}, 0

function init(args)
  local method, path, client, highest, body = args[1], args[2], args[3], tonumber(args[4]), args[5] or ""
  math.randomseed(os.time() + tonumber(tostring({}):match("0x(%x+)"), 16) % 65536)
  if body == "" then count = 1 end
  for i = 1, count do
    local text = body:gsub("KEY", tostring(math.random(1, highest)))
    requests[i] = method .. " " .. path .. " HTTP/1.1\r\nHost: localhost\r\nX-Athena-Client: " .. client ..
      "\r\nContent-Type: application/json\r\nContent-Length: " .. #text .. "\r\n\r\n" .. text
  end
end

-- $BENCH_DELAY_MS between a reply and the next request of its connection: a rate in place of all that goes
local pause = tonumber(os.getenv("BENCH_DELAY_MS") or "0")
if pause > 0 then
  function delay() return math.floor(pause * (0.5 + math.random())) end
end

function request()
  at = at % count + 1
  return requests[at]
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format('{"requests":%d,"seconds":%.6f,"bytes":%d,"failed":%d,"not_2xx":%d,"p50_us":%d,"p99_us":%d}\n',
    summary.requests, summary.duration / 1e6, summary.bytes, e.connect + e.read + e.write + e.timeout, e.status,
    latency:percentile(50), latency:percentile(99)))
end
