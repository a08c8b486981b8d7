-- Shows the head.
-- KEYS: head. ARGV: "info" or "none".
-- Answers code (0 absent, 1 there), now, fence, head.
local head = redis.call('GET', KEYS[1])
return { head and 1 or 0, now, fence, head or '' }
