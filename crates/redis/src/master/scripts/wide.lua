-- Decides in six limbs of seven decimal digits, lowest first: products stay below 2^47, columns
-- below 2^50. Levels are counted from 10^41 below zero, so no number is negative.
local base, zero = 10000000, { 0, 0, 0, 0, 0, 1000000 }

local function read(text)
  if #text <= 7 then return { tonumber(text), 0, 0, 0, 0, 0 } end
  local a, last = { 0, 0, 0, 0, 0, 0 }, #text
  for i = 1, 6 do
    if last <= 0 then break end
    a[i], last = tonumber(string.sub(text, math.max(1, last - 6), last)), last - 7
  end
  return a
end

local function write(a)
  return string.format('%07.0f%07.0f%07.0f%07.0f%07.0f%07.0f', a[6], a[5], a[4], a[3], a[2], a[1])
end

-- A number below 2^53.
local function limbs(x)
  local low, high = x % base, math.floor(x / base)
  return { low, high % base, math.floor(high / base), 0, 0, 0 }
end

local function less(a, b)
  for i = 6, 1, -1 do
    if a[i] ~= b[i] then return a[i] < b[i] end
  end
  return false
end

local function plus(a, b)
  local sum, carry = {}, 0
  for i = 1, 6 do
    local digit = a[i] + b[i] + carry
    if digit >= base then sum[i], carry = digit - base, 1 else sum[i], carry = digit, 0 end
  end
  return sum
end

-- a - b, where b is not above a.
local function minus(a, b)
  local rest, borrow = {}, 0
  for i = 1, 6 do
    local digit = a[i] - b[i] - borrow
    if digit < 0 then rest[i], borrow = digit + base, 1 else rest[i], borrow = digit, 0 end
  end
  return rest
end

-- A product below 10^42, where b is below 10^21.
local function times(a, b)
  local product, carry, b1, b2, b3, a1, a2 = {}, 0, b[1], b[2], b[3], 0, 0
  for column = 1, 6 do
    local digit = a[column]
    local sum = carry + digit * b1 + a1 * b2 + a2 * b3
    carry, a2, a1 = math.floor(sum / base), a1, digit
    product[column] = sum - carry * base
  end
  return product
end

local function nearly(a)
  return ((((a[6] * base + a[5]) * base + a[4]) * base + a[3]) * base + a[2]) * base + a[1]
end

-- a times base^places.
local function shifted(a, places)
  local b = { 0, 0, 0, 0, 0, 0 }
  for i = 1, 6 - places do b[i + places] = a[i] end
  return b
end

-- The quotient as a double, if that cannot be on the wrong side of a whole number: doubles err by
-- less than 1e-14 of it here.
local function quotient_of(a, b)
  local near = nearly(a) / nearly(b)
  if near < 1e13 and math.abs(near - math.floor(near + 0.5)) > near * 1e-14 then return near end
  return nil
end

-- The whole quotient, and whether a rest is left.
local function divided(a, b)
  local quotient, near, rest, left = { 0, 0, 0, 0, 0, 0 }, nearly(b), a, nearly(a)
  for place = 5, 0, -1 do
    local unit = near * base ^ place
    -- Doubles err by far less than one in the eighth digit: the digit is right or one off.
    if left > unit * 0.99 then
      local moved, digit = shifted(b, place), math.floor(left / unit)
      local part = times(moved, { digit % base, math.floor(digit / base), 0 })
      if less(rest, part) then digit, part = digit - 1, minus(part, moved) end
      rest = minus(rest, part)
      if not less(rest, moved) then digit, rest = digit + 1, minus(rest, moved) end
      quotient[place + 1], left = digit, nearly(rest)
    end
  end
  return quotient, left > 0
end

-- The least number of microseconds in which so many units accrue.
local function time_of(missing, rate)
  if nearly(missing) == 0 then return 0 end
  if nearly(rate) == 0 then return forever end
  local near = quotient_of(missing, rate)
  if near then return math.ceil(near) end
  local whole, rest = divided(missing, rate)
  local micros = nearly(whole)
  if micros >= forever then return forever end
  return rest and micros + 1 or micros
end

-- The same from one level to another.
local function time_to(from, to, rate)
  if not less(from, to) then return 0 end
  return time_of(minus(to, from), rate)
end

local den, least, fills = {}, {}, 0
for i = 1, n do
  num[i], den[i] = read(next_term()), read(next_term())
  local capacity, debt, fill = read(next_term()), read(next_term()), tonumber(next_term())
  local lowest = nearly(debt) == 0 and zero or minus(zero, times(debt, den[i]))
  full[i], least[i], fills = plus(zero, times(capacity, den[i])), reserve and lowest or zero, math.max(fills, fill)
  local now_at, rest = read(next_level()), passed
  if less(now_at, lowest) then
    -- A change of limits left a debt beyond the lowest. It is paid first.
    local paid = math.min(rest, time_to(now_at, lowest, num[i]))
    now_at, rest = plus(now_at, times(num[i], limbs(paid))), rest - paid
  end
  if rest >= fill then
    now_at = full[i]
  elseif rest > 0 then
    now_at = plus(now_at, times(num[i], limbs(rest)))
    if less(full[i], now_at) then now_at = full[i] end
  end
  local need, back = read(ARGV[2 + 3 * i]), read(ARGV[4 + 3 * i])
  if nearly(back) > 0 then
    writes = true
    now_at = plus(now_at, times(back, den[i]))
    if less(full[i], now_at) then now_at = full[i] end
  end
  level[i] = now_at
  if less(capacity, need) then
    never = never or i
  elseif nearly(need) > 0 then
    local wait = time_to(now_at, plus(least[i], times(need, den[i])), num[i])
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
    local need, want = read(ARGV[2 + 3 * i]), read(ARGV[3 + 3 * i])
    local tokens = need
    if less(need, want) and less(least[i], level[i]) then
      local most = minus(level[i], least[i])
      if not less(most, times(want, den[i])) then
        tokens = want
      else
        local near = quotient_of(most, den[i])
        most = near and limbs(math.floor(near)) or divided(most, den[i])
        if less(need, most) then tokens = most end
      end
    end
    if nearly(tokens) > 0 then
      writes = true
      level[i] = minus(level[i], times(tokens, den[i]))
      micros = math.max(micros, time_to(level[i], zero, num[i]))
    end
    granted[i] = write(tokens)
  end
  if micros > 0 then micros = math.min(forever, micros + ahead) end
end

local answer, kept, fills_in = { code, epoch, micros, stream }, {}, 0
for i = 1, n do
  kept[i] = write(level[i])
  answer[3 + 2 * i], answer[4 + 2 * i] = granted[i] or '0', kept[i]
  fills_in = math.max(fills_in, writes and time_to(level[i], full[i], num[i]) or 0)
end
