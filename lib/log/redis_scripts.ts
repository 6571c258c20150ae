/**
 * What must happen at once in Redis. Each script touches one symbol's keys, which share a hash slot,
 * and checks everything before its first write; memory that ran out before the script refuses that
 * first write, so nothing is ever half done.
 */

const IDS = `
  local function parts(id) local ms, n = string.match(id, '^(%d+)-(%d+)$'); return tonumber(ms), tonumber(n) end
  local function above(a, b)
    local ams, an = parts(a); local bms, bn = parts(b)
    return ams > bms or (ams == bms and an > bn)
  end`;

/** KEYS stream, checkpoint; ARGV feed, expected tail, floor, new tail, high server, high UTC, ticks… */
export const APPEND = `
  local known = redis.call('HMGET', KEYS[2], 'feed', 'last', 'floor', 'high_server', 'appended')
  if known[1] and known[1] ~= ARGV[1] then return {'foreign_feed', known[1]} end
  if (known[2] or '0-0') ~= ARGV[2] then return {'conflict'} end
  if (known[3] or '0') ~= ARGV[3] then return {'floor', known[3]} end
  local count = tonumber(known[5] or '0')
  for i = 7, #ARGV do
    local id, ts, bid, ask, last, volume, flags, tb, raw = string.match(ARGV[i],
      '^(%S+) (%S+) (%S+) (%S+) (%S*) (%S*) (%S+) (%S+) (%S*)$')
    if i == 7 and raw ~= '' then
      redis.call('XADD', KEYS[1], id, 'ts', ts, 'bid', bid, 'ask', ask, 'last', last,
        'volume', volume, 'flags', flags, 'tb', tb, 'nth', count + 1, 'raw', raw)
    elseif i == 7 then
      redis.call('XADD', KEYS[1], id, 'ts', ts, 'bid', bid, 'ask', ask, 'last', last,
        'volume', volume, 'flags', flags, 'tb', tb, 'nth', count + 1)
    elseif raw ~= '' then
      redis.call('XADD', KEYS[1], id, 'ts', ts, 'bid', bid, 'ask', ask, 'last', last,
        'volume', volume, 'flags', flags, 'tb', tb, 'raw', raw)
    else
      redis.call('XADD', KEYS[1], id, 'ts', ts, 'bid', bid, 'ask', ask, 'last', last,
        'volume', volume, 'flags', flags, 'tb', tb)
    end
  end
  redis.call('HSET', KEYS[2], 'feed', ARGV[1], 'last', ARGV[4], 'ended', '0', 'appended', count + #ARGV - 6)
  if count == 0 or tonumber(ARGV[5]) > tonumber(known[4] or '0') then
    redis.call('HSET', KEYS[2], 'high_server', ARGV[5], 'high_utc', ARGV[6])
  end
  return {'appended'}`;

/** KEYS checkpoint; ARGV feed, last id it was made from, floor, watermark, ended. */
export const MARK = `
  local known = redis.call('HMGET', KEYS[1], 'feed', 'last')
  if known[1] and known[1] ~= ARGV[1] then return {'foreign_feed', known[1]} end
  if (known[2] or '0-0') ~= ARGV[2] then return {'conflict'} end
  redis.call('HSET', KEYS[1], 'feed', ARGV[1], 'floor', ARGV[3], 'watermark', ARGV[4], 'ended', ARGV[5])
  return {'marked'}`;

/**
 * KEYS stream, readers' positions; ARGV reader, id. The hash is the position; the consumer group
 * shows it to operators, who look at XINFO GROUPS. A group that somebody destroyed is made anew.
 */
export const COMMIT = `${IDS}
  local before = redis.call('HGET', KEYS[2], ARGV[1])
  if before and not above(ARGV[2], before) then return 0 end
  redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
  local set = redis.pcall('XGROUP', 'SETID', KEYS[1], ARGV[1], ARGV[2])
  if type(set) == 'table' and set.err then
    redis.pcall('XGROUP', 'CREATE', KEYS[1], ARGV[1], ARGV[2])
  end
  return 1`;

/** KEYS stream, checkpoint; ARGV the least id that stays. Returns how many went. */
export const TRIM = `
  local last = redis.call('XREVRANGE', KEYS[1], '(' .. ARGV[1], '-', 'COUNT', 1)
  if #last == 0 then return 0 end
  redis.call('HSET', KEYS[2], 'trimmed', last[1][1])
  return redis.call('XTRIM', KEYS[1], 'MINID', '=', ARGV[1])`;

/** KEYS readers' positions; ARGV tail. Whoever stands past the tail stands at it. */
export const SET_BACK = `${IDS}
  local positions = redis.call('HGETALL', KEYS[1])
  for i = 1, #positions, 2 do
    if above(positions[i + 1], ARGV[1]) then redis.call('HSET', KEYS[1], positions[i], ARGV[1]) end
  end
  return 1`;
