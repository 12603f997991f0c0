package bullmq

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"time"

	"github.com/redis/rueidis"
)

// UpsertScheduler implements [Backend].
func (r *Redis) UpsertScheduler(ctx context.Context, q QueueRef, s SchedulerUpsert) (string, error) {
	opts, err := schedulerJobOpts(s.ID, s.JobOpts, s.Now, s.Next)
	if err != nil {
		return "", err
	}
	stored, data := string(s.TemplateOpts), string(s.Data)
	if stored == "{}" {
		stored = ""
	}
	storedData := data
	if storedData == "{}" {
		storedData = ""
	}
	rep := s.Repeat
	reply, err := r.run(ctx, upsertSchedulerScript, q,
		formatMillis(s.Now), s.ID, jsonText(s.ID), optionalDuration(rep.Every), optionalTime(s.Next), optionalTime(rep.StartDate),
		optionalDuration(rep.Offset), s.Name, rep.Pattern, rep.TZ, optionalInt(rep.Limit), optionalTime(rep.EndDate),
		stored, storedData, opts, data, strconv.Itoa(s.JobOpts.Priority), flag(s.JobOpts.LIFO)).ToMessage()
	if err != nil {
		return "", err
	}
	res := addResult(reply, s.ID)
	return res.ID, res.Err
}

// NextSchedulerJob implements [Backend].
func (r *Redis) NextSchedulerJob(ctx context.Context, q QueueRef, s SchedulerIteration) (string, error) {
	opts, err := schedulerJobOpts(s.ID, s.JobOpts, s.Now, s.Next)
	if err != nil {
		return "", err
	}
	reply, err := r.run(ctx, nextSchedulerJobScript, q,
		formatMillis(s.Now), s.ID, jsonText(s.ID), s.ProducerID, optionalTime(s.Next), opts,
		strconv.Itoa(s.JobOpts.Priority), flag(s.JobOpts.LIFO)).ToMessage()
	if err != nil {
		return "", err
	}
	if reply.IsInt64() {
		return "", ErrLegacyRepeatable
	}
	return reply.ToString()
}

// schedulerJobOpts encodes the options of a scheduler's job without its id and
// delay, which depend on a time that only the script knows.
func schedulerJobOpts(id string, opts JobOptions, now, next time.Time) (string, error) {
	opts.ID, opts.Delay, opts.Timestamp = "", 0, now
	opts.Extra = maps.Clone(opts.Extra)
	if opts.Extra == nil {
		opts.Extra = map[string]json.RawMessage{}
	}
	delete(opts.Extra, "prevMillis")
	opts.Extra["repeatJobKey"] = json.RawMessage(`"` + jsonText(id) + `"`)
	if opts.Repeat.Pattern != "" {
		opts.Extra["prevMillis"] = json.RawMessage(formatMillis(next))
	}
	text, err := opts.encode(storedForm)
	return string(text), err
}

// RemoveScheduler implements [Backend].
func (r *Redis) RemoveScheduler(ctx context.Context, q QueueRef, id string) error {
	missing, err := r.run(ctx, removeSchedulerScript, q, id).AsInt64()
	if err != nil {
		return fmt.Errorf("remove job scheduler %s: %w", id, err)
	}
	if missing == 1 {
		return fmt.Errorf("remove job scheduler %s: %w", id, ErrSchedulerNotFound)
	}
	return nil
}

// Scheduler implements [Backend].
func (r *Redis) Scheduler(ctx context.Context, q QueueRef, id string) (*JobScheduler, error) {
	replies := r.client.DoMulti(ctx,
		r.client.B().Hgetall().Key(q.key("repeat:"+id)).Build(),
		r.client.B().Zscore().Key(q.key("repeat")).Member(id).Build())
	fields, err := replies[0].AsStrMap()
	if err != nil {
		return nil, fmt.Errorf("job scheduler %s: %w", id, err)
	}
	next, err := replies[1].AsFloat64()
	if rueidis.IsRedisNil(err) || err == nil && len(fields) == 0 {
		return nil, fmt.Errorf("job scheduler %s: %w", id, ErrSchedulerNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("job scheduler %s: %w", id, err)
	}
	return decodeScheduler(id, next, fields), nil
}

// Schedulers implements [Backend]. Records of older kinds are left out.
func (r *Redis) Schedulers(ctx context.Context, q QueueRef, start, end int64) ([]*JobScheduler, error) {
	members, err := r.client.Do(ctx, r.client.B().Zrange().Key(q.key("repeat")).
		Min(strconv.FormatInt(start, 10)).Max(strconv.FormatInt(end, 10)).Withscores().Build()).AsZScores()
	if err != nil {
		return nil, fmt.Errorf("job schedulers of queue %s: %w", q.Name, err)
	}
	commands := make(rueidis.Commands, len(members))
	for i, m := range members {
		commands[i] = r.client.B().Hgetall().Key(q.key("repeat:" + m.Member)).Build()
	}
	schedulers := make([]*JobScheduler, 0, len(members))
	for i, reply := range r.client.DoMulti(ctx, commands...) {
		fields, err := reply.AsStrMap()
		if _, damaged := rueidis.IsRedisErr(err); err != nil && !damaged {
			return nil, fmt.Errorf("job scheduler %s: %w", members[i].Member, err)
		}
		if fields["ic"] != "" {
			schedulers = append(schedulers, decodeScheduler(members[i].Member, members[i].Score, fields))
		}
	}
	return schedulers, nil
}

// SchedulerCount implements [Backend].
func (r *Redis) SchedulerCount(ctx context.Context, q QueueRef) (int64, error) {
	n, err := r.client.Do(ctx, r.client.B().Zcard().Key(q.key("repeat")).Build()).AsInt64()
	if err != nil {
		return 0, fmt.Errorf("count job schedulers of queue %s: %w", q.Name, err)
	}
	return n, nil
}

// decodeScheduler reads a scheduler's record (wire facts §1.5). What cannot be
// understood is left zero.
func decodeScheduler(id string, next float64, fields map[string]string) *JobScheduler {
	s := &JobScheduler{ID: id, Name: fields["name"], Next: dueTime(next)}
	number := func(name string) float64 {
		f, _ := parseNumber(fields[name])
		return f
	}
	at := func(name string) time.Time {
		if fields[name] == "" {
			return time.Time{}
		}
		t, _ := parseMillis(fields[name])
		return t
	}
	s.IterationCount = int(number("ic"))
	s.Repeat = RepeatOptions{
		Pattern: fields["pattern"], Every: millis(number("every")), TZ: fields["tz"], Limit: int(number("limit")),
		StartDate: at("startDate"), EndDate: at("endDate"), Offset: millis(number("offset")),
	}
	s.Data = json.RawMessage("{}")
	if text := fields["data"]; text != "" {
		s.Data, _ = decodeRaw(text)
	}
	if text := fields["opts"]; text != "" {
		_ = json.Unmarshal([]byte(text), &s.Opts)
	}
	return s
}

// jsonText is s as it stands between the quotes of a JSON string.
func jsonText(s string) string {
	text, err := encodeJSON(s)
	if err != nil {
		return s
	}
	return string(text[1 : len(text)-1])
}

func optionalTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return formatMillis(t)
}

func optionalDuration(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return formatDuration(d)
}

func optionalInt(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}
