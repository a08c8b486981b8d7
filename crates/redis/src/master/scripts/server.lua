-- What every script asks its server: its time in microseconds, and who it is.
-- ARGV[1] is "info", or "none" where a script may not run INFO.
local now = redis.call('TIME'); now = now[1] * 1000000 + now[2] -- the clock
local fence = ARGV[1] == 'info' and (string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)') or '') or 'none' -- the fence
