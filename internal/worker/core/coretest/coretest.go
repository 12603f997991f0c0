// Package coretest runs core handlers in tests without a queue: the job's data
// and its result are checked against the handler's schemas, as a worker does.
package coretest

import (
	"context"
	"encoding/json"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/handler"
	"github.com/jobrunner-dev/jobrunner/handler/handlertest"
	"github.com/jobrunner-dev/jobrunner/internal/catalogue"
	"github.com/jobrunner-dev/jobrunner/internal/safedial"
)

// New returns the context of the first attempt of a job with the data.
func New(ctx context.Context, name, data string) *handlertest.Context {
	return handlertest.New(ctx, handler.Job{Name: name, Data: json.RawMessage(data)})
}

// Run runs the handler once, with data that must meet its schema.
func Run(t testing.TB, d *handler.Definition, c *handlertest.Context) (json.RawMessage, error) {
	t.Helper()
	require.Empty(t, Violations(t, d.DataSchema, c.Job().Data), "data: %s", c.Job().Data)
	result, err := d.Run(c)
	if err == nil {
		require.Empty(t, Violations(t, d.ResultSchema, result), "result: %s", result)
	}
	return result, err
}

// Violations tells in what a value does not meet a schema.
func Violations(t testing.TB, schema, value json.RawMessage) []catalogue.Violation {
	t.Helper()
	if schema == nil {
		return nil
	}
	compiled, err := catalogue.CompileSchema(schema)
	require.NoError(t, err)
	return compiled.Validate(value)
}

// Result runs the handler, which must succeed, and decodes its result.
func Result[T any](t testing.TB, d *handler.Definition, c *handlertest.Context) T {
	t.Helper()
	text, err := Run(t, d, c)
	require.NoError(t, err)
	var result T
	require.NoError(t, json.Unmarshal(text, &result))
	return result
}

// Loopback is a dialer that reaches 127.0.0.1 beside public addresses.
func Loopback() *safedial.Dialer {
	return safedial.New(safedial.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}})
}

// RequireFinal checks the error's text and whether it fails the job for good.
func RequireFinal(t testing.TB, err error, final bool, text string) {
	t.Helper()
	require.ErrorContains(t, err, text)
	require.Equal(t, final, bullmq.IsUnrecoverable(err), "unrecoverable: %v", err)
}
