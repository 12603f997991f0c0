package registry_test

import (
	"context"
	"encoding/json"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/handler"
	"github.com/jobrunner-dev/jobrunner/internal/catalogue"
	"github.com/jobrunner-dev/jobrunner/internal/testenv"
	"github.com/jobrunner-dev/jobrunner/internal/worker/registry"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// answer is a runner that returns itself.
type answer string

func (a answer) Run(handler.Context) (json.RawMessage, error) { return json.Marshal(string(a)) }

func set(source, name, version string, closed *atomic.Int64) registry.Set {
	return registry.Set{
		Source:   source,
		Handlers: []registry.Entry{{Handler: catalogue.Handler{Name: name, Version: version, Source: source}, Runner: answer(version)}},
		Close:    func() { closed.Add(1) },
	}
}

func TestAReplacedVersionDrains(t *testing.T) {
	t.Parallel()
	changes := 0
	r := registry.New(registry.Options{Changed: func() { changes++ }})
	var first, second atomic.Int64
	require.NoError(t, r.Put(set("a.js", "a", "1", &first)))
	one, ok := r.Acquire("a")
	require.True(t, ok)
	two, _ := r.Acquire("a")
	require.NoError(t, r.Put(set("a.js", "a", "2", &second)))

	one.Release()
	one.Release()
	require.Equal(t, "1", two.Version.Version, "a job finishes on the version it began with")
	now, _ := r.Acquire("a")
	require.Equal(t, "2", now.Version.Version)
	require.Equal(t, map[string]catalogue.Load{"a": {
		Handler: "a", Running: 2, Draining: []catalogue.Draining{{Version: "1", Running: 1}},
	}}, r.Loads())
	now.Release()
	require.Equal(t, 2, changes)
	two.Release()
	require.Equal(t, 3, changes, "that it has drained is told")
	require.Empty(t, r.Loads())
	require.NoError(t, r.Close(t.Context()))
	require.EqualValues(t, 1, first.Load())
	require.EqualValues(t, 1, second.Load())
	_, ok = r.Acquire("a")
	require.False(t, ok)
}

func TestANameOfAnotherSourceIsRefused(t *testing.T) {
	t.Parallel()
	r := registry.New(registry.Options{})
	var closed atomic.Int64
	require.NoError(t, r.Put(set("a.js", "same", "1", &closed)))
	err := r.Put(set("b.js", "same", "2", &closed))
	var duplicate *registry.DuplicateError
	require.ErrorAs(t, err, &duplicate)
	require.Equal(t, registry.DuplicateError{Name: "same", Source: "b.js", Existing: "a.js"}, *duplicate)
	require.Zero(t, closed.Load(), "a refused set is its owner's to close")
	r.Remove("a.js")
	require.NoError(t, r.Put(set("b.js", "same", "2", &closed)))
	require.NoError(t, r.Close(t.Context()))
	require.EqualValues(t, 2, closed.Load())
}

func TestAFailureIsListedBesideTheVersionInService(t *testing.T) {
	t.Parallel()
	r := registry.New(registry.Options{})
	var closed atomic.Int64
	failed := &catalogue.LoadError{Message: "oh"}
	r.Fail(registry.Failure{Source: "a.js", Name: "a", Err: failed})
	require.Equal(t, []catalogue.Handler{{Name: "a", Source: "a.js", Error: failed}}, r.Catalogue())
	require.NoError(t, r.Put(set("a.js", "a", "1", &closed)))
	require.Nil(t, r.Catalogue()[0].Error)
	r.Fail(registry.Failure{Source: "a.js", Name: "a", Err: failed})
	require.Equal(t, "1", r.Catalogue()[0].Version)
	require.Equal(t, failed, r.Catalogue()[0].Error)
	require.Equal(t, []string{"a.js"}, r.Sources())
	r.Remove("a.js")
	require.Empty(t, r.Catalogue())
	require.NoError(t, r.Close(t.Context()))
}

func TestASetThatMakesNoSenseIsRefused(t *testing.T) {
	t.Parallel()
	entry := func(name, schema string) registry.Entry {
		h := catalogue.Handler{Name: name}
		if schema != "" {
			h.DataSchema = json.RawMessage(schema)
		}
		return registry.Entry{Handler: h, Runner: answer("x")}
	}
	for want, entries := range map[string][]registry.Entry{
		"it defines no handler":                  nil,
		"a handler has no name":                  {entry("", "")},
		`handler "a" of s is already defined by`: {entry("a", ""), entry("a", "")},
		`handler "a": data schema is not valid`:  {entry("a", `{"type":"strnig"}`)},
		"control characters":                     {entry("a\nb", "")},
	} {
		require.ErrorContains(t, registry.New(registry.Options{}).Put(registry.Set{Source: "s", Handlers: entries}), want)
	}
}

// dataContext is a handler.Context of a job with data.
type dataContext struct {
	handler.Context
	data string
}

func (c dataContext) Job() *handler.Job { return &handler.Job{Data: json.RawMessage(c.data)} }

func TestDataIsCheckedBeforeTheHandlerRuns(t *testing.T) {
	t.Parallel()
	r := registry.New(registry.Options{})
	require.NoError(t, r.Put(registry.Set{Source: "s", Handlers: []registry.Entry{{
		Handler: catalogue.Handler{Name: "a", DataSchema: json.RawMessage(`{"type":"object","required":["x"]}`)}, Runner: answer("ran"),
	}}}))
	lease, _ := r.Acquire("a")
	defer lease.Release()
	_, err := lease.Run(dataContext{data: `{}`})
	var bad *registry.DataError
	require.ErrorAs(t, err, &bad)
	require.True(t, bullmq.IsUnrecoverable(err))
	require.EqualError(t, err, `the job's data does not meet the schema of handler "a": /x is required`)
	result, err := lease.Run(dataContext{data: `{"x":1}`})
	require.NoError(t, err)
	require.Equal(t, `"ran"`, string(result))
}

func TestCloseGivesUpOnAHandlerThatDoesNotEnd(t *testing.T) {
	t.Parallel()
	r := registry.New(registry.Options{})
	release := make(chan struct{})
	s := set("a.js", "a", "1", new(atomic.Int64))
	s.Close = func() { <-release }
	require.NoError(t, r.Put(s))
	errLate := errors.New("too late")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errLate)
	require.ErrorIs(t, r.Close(ctx), errLate)
	close(release)
	require.NoError(t, r.Close(t.Context()))
}
