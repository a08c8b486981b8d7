-- What an ask reads, in either arithmetic.
-- KEYS: head, state.
-- ARGV: "info" or "none", the terms that the caller knows, by how many microseconds the clock may
-- step back, "reserve" or "", and of each stream: need, want, back.
-- Answers code, now, fence, head, state where only the caller can go on: 0 no head, 1 other terms,
-- 2 another server or an earlier clock, 3 a state in earlier terms. Otherwise code (4 granted, 5 not
-- yet, 6 never), epoch, microseconds, stream, and of each stream: granted, level.
local forever = 9007199254740991
local n = (#ARGV - 4) / 3
if n > 16 then return redis.error_reply('TOLLGATE more than 16 streams') end
local head = redis.call('GET', KEYS[1])
if not head then return { 0, now, fence, '', '' } end
local epoch, since, written_by, terms, levels = string.match(head, '^1 (%d+) (%d+) (%S+)|([^|]*)|([^|]*)|')
if terms ~= ARGV[2] then return { 1, now, fence, head, '' } end
-- Levels that nobody wrote are for the caller to refuse.
local readable = '^%-?%d+' .. string.rep(' %-?%d+', n - 1) .. '$'
if not string.match(levels, readable) then return { 1, now, fence, head, '' } end
since = tonumber(since)
local at, tolerance, reserve = since, tonumber(ARGV[3]), ARGV[4] == 'reserve'
if (fence ~= written_by and fence ~= 'none') or at - now > tolerance then return { 2, now, fence, head, '' } end
local state = redis.call('GET', KEYS[2])
if state then
  local of, revision, time, kept = string.match(state, '^(%d+) (%d+) (%d+)|(.*)$')
  if of == epoch or not of then
    if revision ~= string.match(terms, '^%d+') then return { 3, now, fence, head, state } end
    if not string.match(kept, readable) then return { 3, now, fence, head, state } end
    at, levels = tonumber(time), kept
  end
end
-- Whether the state is to be written.
local writes = at - now > tolerance
if writes then at = now end
-- Nothing accrues until the clock has caught up.
local ahead, passed = math.max(0, at - now), math.max(0, now - at)
local next_term, next_level = string.gmatch(string.match(terms, '^%d+ %a(.*)$'), '%d+'), string.gmatch(levels, '%-?%d+')
local numbers, granted, level, full, num, longest, stream, never = {}, {}, {}, {}, {}, 0, 0, nil
