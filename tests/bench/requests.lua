-- For wrk: a browser's request for a page it has in its cache, in the absolute form that proxies are given.
-- ORIGIN is "127.0.0.1:PORT"; with EACH=new every request comes on a connection of its own.  PAUSE_MS is how long each
-- connection pauses before a request, on average.
local origin = os.getenv("ORIGIN")
local head = {
  ["Host"] = origin,
  ["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
  ["Accept"] = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
  ["Accept-Language"] = "en-US,en;q=0.5",
  ["Accept-Encoding"] = "gzip, deflate, br",
  ["Cookie"] = "sid=3b1f0a9c77e24d; theme=dark; consent=1",
  ["If-None-Match"] = '"5f2c-62c0a3d1e8f40"',
  ["If-Modified-Since"] = "Fri, 20 Nov 2026 09:30:00 GMT",
  ["Cache-Control"] = "max-age=0",
}
if os.getenv("EACH") == "new" then head["Connection"] = "close" end

local pause_ms = tonumber(os.getenv("PAUSE_MS"))
if pause_ms then delay = function() return math.random(0, 2 * pause_ms) end end

local text
init = function() text = wrk.format("GET", "http://" .. origin .. "/1024", head) end
request = function() return text end

done = function(summary, latency)
  local e = summary.errors
  print(string.format("RESULT %d %d %d %d %d %d", summary.requests, summary.duration,
    e.connect + e.write + e.timeout + e.status, e.read, latency:percentile(50), latency:percentile(99)))
end
