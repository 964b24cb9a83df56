-- For wrk: of ten requests seven look up a row, two read a list and one writes. At the end each status is counted.
local threads, paths = {}, { lookup = "/erp/people?id=eq.%d", list = "/erp/people?limit=20", write = "/erp/tasks" }
local body = '{"title": "bench"}'

function setup(thread)
  table.insert(threads, thread)
end

function init(_)
  statuses, number = {}, 0
end

function request()
  number = number + 1
  local kind = number % 10
  if kind == 0 then
    return wrk.format("POST", paths.write, nil, body)
  elseif kind < 3 then
    return wrk.format("GET", paths.list)
  end
  return wrk.format("GET", string.format(paths.lookup, 1000000 + number % 500))
end

function response(status)
  statuses[tostring(status)] = (statuses[tostring(status)] or 0) + 1
end

function done()
  for _, thread in ipairs(threads) do
    for status, count in pairs(thread:get("statuses")) do
      print("status " .. status .. " " .. count)
    end
  end
end
