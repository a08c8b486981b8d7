-- Rewrites the head, or a state that was counted in earlier terms, if nothing has changed since
-- they were read from this server, at most a second ago.
-- KEYS: head, state.
-- ARGV: "info" or "none", the fence and the time of the reading, the head as read (empty: absent),
-- the new head (empty: as it is), the state as read, the new state (empty: as it is), and its time
-- to live in milliseconds.
-- Answers 1 (done) or 0 (changed meanwhile).
if ARGV[2] ~= fence then return { 0 } end
local since = now - tonumber(ARGV[3])
if since < 0 or since > 1000000 then return { 0 } end
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[4] then return { 0 } end
if ARGV[7] ~= '' then
  if redis.call('GET', KEYS[2]) ~= ARGV[6] then return { 0 } end
  redis.call('SET', KEYS[2], ARGV[7], 'PX', ARGV[8])
elseif ARGV[5] ~= '' then
  redis.call('SET', KEYS[1], ARGV[5])
end
return { 1 }
