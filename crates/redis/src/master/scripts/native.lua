-- Decides in Lua's numbers, exact below 2^53. The terms are such that no number gets there.

-- The least number of microseconds in which so many units accrue.
local function time_of(missing, num)
  if missing <= 0 then return 0 end
  if num == 0 then return forever end
  local whole = math.floor(missing / num)
  if whole * num < missing then whole = whole + 1 end
  return math.min(whole, forever)
end

local den, least, capacity, fills = {}, {}, {}, 0
for i = 1, n do
  num[i], den[i], capacity[i] = tonumber(next_term()), tonumber(next_term()), tonumber(next_term())
  local debt, fill = tonumber(next_term()) * den[i], tonumber(next_term())
  full[i], least[i], fills = capacity[i] * den[i], reserve and -debt or 0, math.max(fills, fill)
  local now_at, rest = tonumber(next_level()), passed
  if now_at < -debt then
    -- A change of limits left a debt beyond the lowest. It is paid first.
    local paid = math.min(rest, time_of(-debt - now_at, num[i]))
    now_at, rest = now_at + num[i] * paid, rest - paid
  end
  if rest >= fill then now_at = full[i] else now_at = math.min(full[i], now_at + num[i] * rest) end
  local need, back = tonumber(ARGV[2 + 3 * i]), tonumber(ARGV[4 + 3 * i])
  if back > 0 then
    writes = true
    local room = time_of(full[i] - now_at, den[i])
    if back >= room then now_at = full[i] else now_at = now_at + back * den[i] end
  end
  level[i] = now_at
  if need > capacity[i] then
    never = never or i
  elseif need > 0 then
    local wait = time_of(least[i] + need * den[i] - now_at, num[i])
    if wait > longest then longest, stream = wait, i end
  end
end

local code, micros = 4, 0
if never then
  code, stream = 6, never
elseif longest > 0 then
  code, micros = 5, math.min(forever, longest + ahead)
else
  for i = 1, n do
    local need, want = tonumber(ARGV[2 + 3 * i]), tonumber(ARGV[3 + 3 * i])
    local tokens = need
    if want > need then
      tokens = math.max(need, math.min(want, math.floor((level[i] - least[i]) / den[i])))
    end
    if tokens > 0 then
      writes = true
      level[i] = level[i] - tokens * den[i]
      micros = math.max(micros, time_of(-level[i], num[i]))
    end
    granted[i] = tokens
  end
  if micros > 0 then micros = math.min(forever, micros + ahead) end
end

local answer, kept, fills_in = { code, epoch, micros, stream }, {}, 0
for i = 1, n do
  kept[i] = string.format('%.0f', level[i])
  answer[3 + 2 * i], answer[4 + 2 * i] = granted[i] or 0, kept[i]
  fills_in = math.max(fills_in, time_of(full[i] - level[i], num[i]))
end
