-- Every request asks something new, in one of as many sessions as there are connections, so that a gateway that
-- records conversations has something to record. Arguments: HEAD_FILE BODY_FILE MARK SESSIONS RUN.
-- HEAD_FILE holds the request's head with @SESSION@; MARK stands in the body where a text of the same length goes.

local threads = 0

function setup(thread)
  thread:set("id", threads)
  threads = threads + 1
end

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("*a")
  file:close()
  return text
end

local heads, tail, width = {}, "", 0
local count = 0
local run = ""

function init(args)
  local head, body, mark = read(args[1]), read(args[2]), args[3]
  local sessions = tonumber(args[4])
  run = args[5]
  width = #mark
  local at = assert(body:find(mark, 1, true))
  tail = body:sub(at + width)
  for i = 1, sessions do
    local session = string.format("bench%s-%02d-%04d", run, id, i)
    heads[i] = head:gsub("@SESSION@", session) .. body:sub(1, at - 1)
  end
end

function request()
  count = count + 1
  local unique = string.format("%s-%02d-%09d", run, id, count)
  return heads[count % #heads + 1] .. unique .. string.rep("=", width - #unique) .. tail
end

function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format(
    '\nRESULT {"requests":%d,"micros":%d,"p50":%d,"p99":%d,"socket_errors":%d,"status_errors":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    e.connect + e.read + e.write + e.timeout, e.status))
end
