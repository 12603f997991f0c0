package conformance

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"

	"github.com/redis/rueidis"
)

// place matches "{active:0}", which stands for the first id in the queue's list
// or set of that name. Random scenarios name jobs by where they are; a step that
// names a place where nobody is does nothing.
var place = regexp.MustCompile(`\{(wait|active|delayed|prioritized|completed|failed|waiting-children):(\d+)\}`)

// errNobody says that no job is at a place that a step names.
var errNobody = errors.New("no job is there")

// resolve puts ids where the step's arguments name places.
func resolve(ctx context.Context, client rueidis.Client, prefix string, step Step) (Step, error) {
	for {
		found := place.FindSubmatch(step.Args)
		if found == nil {
			return step, nil
		}
		index, err := strconv.ParseInt(string(found[2]), 10, 64)
		if err != nil {
			return step, err
		}
		id, err := idAt(ctx, client, prefix+":"+step.Queue+":"+string(found[1]), index)
		if err != nil {
			return step, fmt.Errorf("find %s: %w", found[0], err)
		}
		step.Args = bytes.ReplaceAll(step.Args, found[0], []byte(id))
	}
}

func idAt(ctx context.Context, client rueidis.Client, key string, index int64) (string, error) {
	kind, err := client.Do(ctx, client.B().Type().Key(key).Build()).ToString()
	if err != nil {
		return "", err
	}
	var ids []string
	switch kind {
	case "list":
		ids, err = client.Do(ctx, client.B().Lrange().Key(key).Start(index).Stop(index).Build()).AsStrSlice()
	case "zset":
		at := strconv.FormatInt(index, 10)
		ids, err = client.Do(ctx, client.B().Zrange().Key(key).Min(at).Max(at).Build()).AsStrSlice()
	}
	if err == nil && len(ids) == 0 {
		return "", errNobody
	}
	if err != nil {
		return "", err
	}
	return ids[0], nil
}
