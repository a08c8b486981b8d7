-- Keeps the state as long as an absent one would count as less or more.
if writes then
  if fills_in > 0 then fills_in = fills_in + ahead end
  local lives = math.ceil(math.min(forever, math.max(fills_in, fills - (now - since))) / 1000)
  if lives > 0 then
    local text = string.format('%s %s %.0f|%s', epoch, string.match(terms, '^%d+'), math.max(at, now), table.concat(kept, ' '))
    redis.call('SET', KEYS[2], text, 'PX', string.format('%.0f', lives))
  else
    redis.call('DEL', KEYS[2])
  end
end
return answer
