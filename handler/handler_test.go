package handler_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/handler"
)

type greeting struct {
	Name  string `json:"name" jsonschema:"title=Name,description=Who is greeted,minLength=1"`
	Times int    `json:"times,omitempty" jsonschema:"minimum=1,default=1"`
}

// jobContext is a handler.Context of a job with data.
type jobContext struct {
	handler.Context
	data string
}

func (c jobContext) Job() *handler.Job { return &handler.Job{Data: json.RawMessage(c.data)} }

func TestTheSchemasComeFromTheTypes(t *testing.T) {
	t.Parallel()
	d, err := handler.New("greet", func(handler.Context, greeting) ([]string, error) { return nil, nil }, nil)
	require.NoError(t, err)
	require.Equal(t, "0.0.0", d.Version)
	require.JSONEq(t, `{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","additionalProperties":false,
		"required":["name"],"properties":{
			"name":{"type":"string","title":"Name","description":"Who is greeted","minLength":1},
			"times":{"type":"integer","minimum":1,"default":1}}}`, string(d.DataSchema))
	require.JSONEq(t, `{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"array","items":{"type":"string"}}`, string(d.ResultSchema))

	free, err := handler.New("any", func(_ handler.Context, in json.RawMessage) (any, error) { return in, nil }, nil)
	require.NoError(t, err)
	require.Nil(t, free.DataSchema)
	require.Nil(t, free.ResultSchema)

	own := json.RawMessage(`{"type":"object"}`)
	given, err := handler.New("own", func(handler.Context, greeting) (any, error) { return nil, nil }, &handler.Options{DataSchema: own})
	require.NoError(t, err)
	require.Equal(t, own, given.DataSchema)
}

func TestRunDecodesTheDataAndEncodesTheResult(t *testing.T) {
	t.Parallel()
	errOwn := errors.New("own")
	d, err := handler.New("greet", func(_ handler.Context, in greeting) (any, error) {
		switch in.Name {
		case "error":
			return nil, errOwn
		case "channel":
			return make(chan int), nil
		}
		return map[string]string{"hello": in.Name}, nil
	}, nil)
	require.NoError(t, err)
	result, err := d.Run(jobContext{data: `{"name":"Ada"}`})
	require.NoError(t, err)
	require.JSONEq(t, `{"hello":"Ada"}`, string(result))
	_, err = d.Run(jobContext{data: `{"name":"error"}`})
	require.ErrorIs(t, err, errOwn)
	for _, data := range []string{`{"name":5}`, `{"name":"channel"}`} {
		_, err = d.Run(jobContext{data: data})
		require.True(t, bullmq.IsUnrecoverable(err), data)
	}
}

func TestNewRefusesWhatIsNoHandler(t *testing.T) {
	t.Parallel()
	_, err := handler.New("", func(handler.Context, any) (any, error) { return nil, nil }, nil)
	require.ErrorContains(t, err, "needs a name")
	_, err = handler.New[any, any]("x", nil, nil)
	require.ErrorContains(t, err, "needs a function")
}
