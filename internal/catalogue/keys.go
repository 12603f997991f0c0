package catalogue

// keys are the Redis keys of the workers of one queue prefix. The braces put
// them into one slot of a cluster, so that one transaction may write several.
type keys struct{ base string }

func newKeys(prefix string) keys { return keys{"jobrunner:{" + prefix + "}:workers"} }

// index is a sorted set of worker ids by the millisecond their entry expires.
func (k keys) index() string { return k.base }

// worker holds the small, often rewritten part of an entry, handlers the large
// part that is written when it changes.
func (k keys) worker(id string) string   { return k.base + ":" + id }
func (k keys) handlers(id string) string { return k.base + ":" + id + ":handlers" }

// orders holds what a worker was asked to do, ordered is the channel on which its
// id is announced when that changes.
func (k keys) orders(id string) string { return k.base + ":" + id + ":orders" }
func (k keys) ordered() string         { return k.base + ":orders" }
