--@use parent
-- The jobs of a group that may be reported, by the keys of their parents: their
-- keys, and their results by key.
local function group_by_parent(g, codes, keys, jobs, left)
  local families = {}
  for n = g.before + 1, g.before + g.size do
    local i = g.first + (n - g.before - 1) * g.width
    local parent_key = codes[n] == 0 and left[ARGV[i]] and jobs[n][2]
    if parent_key then
      local family = families[parent_key]
      if not family then
        family = { keys = {}, results = {} }
        families[parent_key] = family
      end
      family.keys[#family.keys + 1] = keys[n]
      family.results[keys[n]] = ARGV[i + 1]
    end
  end
  return families
end

local function complete_family(p, meta, parent, family, now)
  parent.meta = parent.p == p and meta
  local dependencies, results = parent.key .. ':dependencies', {}
  for n, pending in ipairs(redis.call('SMISMEMBER', dependencies, unpack(family.keys))) do
    if pending == 1 then
      results[#results + 1] = family.keys[n]
      results[#results + 1] = family.results[family.keys[n]]
    end
  end
  if #results > 0 then
    redis.call('HSET', parent.key .. ':processed', unpack(results))
    redis.call('SREM', dependencies, unpack(family.keys))
    release_parent_if_done(parent, now)
  end
end

-- A child has completed: its result is kept with its parent, and with it those of
-- its siblings in the group, which then have nothing more to tell.
local function child_completed(p, meta, g, codes, keys, jobs, left, job, now)
  g.families = g.families or group_by_parent(g, codes, keys, jobs, left)
  local family = g.families[job[2]]
  if not family.told then
    family.told = true
    local ok, err = pcall(complete_family, p, meta, parent_of(job[2], job[4]), family, now)
    family.damage = not ok and err
  end
  if family.damage then
    error(family.damage, 0)
  end
end
