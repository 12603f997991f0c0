package catalogue_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/internal/catalogue"
)

func TestValidateNamesEachOffendingValue(t *testing.T) {
	t.Parallel()
	schema, err := catalogue.CompileSchema(json.RawMessage(`{
		"type": "object",
		"required": ["url", "to"],
		"additionalProperties": false,
		"properties": {
			"url": {"type": "string", "format": "uri"},
			"to": {"type": "array", "items": {"type": "string", "minLength": 1}},
			"a/b": {"type": "integer", "maximum": 10},
			"when": {"oneOf": [{"type": "integer"}, {"type": "object", "required": ["cron"]}]}
		}
	}`))
	require.NoError(t, err)

	tests := map[string]struct {
		data string
		want []catalogue.Violation
	}{
		"valid":            {`{"url":"https://example.com","to":[]}`, nil},
		"empty stands for": {``, []catalogue.Violation{{"/to", "is required"}, {"/url", "is required"}}},
		"missing property": {`{"url":"https://example.com"}`, []catalogue.Violation{{"/to", "is required"}}},
		"wrong type":       {`{"url":5,"to":[]}`, []catalogue.Violation{{"/url", "got number, want string"}}},
		"format":           {`{"url":"no url","to":[]}`, []catalogue.Violation{{"/url", "'no url' is not valid uri: relative url"}}},
		"item of an array": {`{"url":"a:b","to":["x",""]}`, []catalogue.Violation{{"/to/1", "minLength: got 0, want 1"}}},
		"unknown property": {`{"url":"a:b","to":[],"x":1}`, []catalogue.Violation{{"/x", "is not a known property"}}},
		"escaped path":     {`{"url":"a:b","to":[],"a/b":11}`, []catalogue.Violation{{"/a~1b", "maximum: got 11, want 10"}}},
		"choice": {`{"url":"a:b","to":[],"when":{}}`, []catalogue.Violation{
			{"/when", "matches none of the allowed forms: got object, want integer; or cron is required"},
		}},
		"not an object": {`[]`, []catalogue.Violation{{"", "got array, want object"}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Empty(t, cmp.Diff(tt.want, schema.Validate(json.RawMessage(tt.data))))
		})
	}
	require.Len(t, schema.Validate(json.RawMessage(`{`)), 1)
}

func TestValidateReportsABoundedNumberOfViolations(t *testing.T) {
	t.Parallel()
	schema, err := catalogue.CompileSchema(json.RawMessage(`{"items":{"type":"string"}}`))
	require.NoError(t, err)
	data := "[" + strings.Repeat("1,", 9999) + "1]"
	require.Len(t, schema.Validate(json.RawMessage(data)), 50)
}

func TestCompileSchemaRefusesWhatIsNoSchema(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ schema, want string }{
		"no JSON":         {`{`, "schema is not JSON"},
		"wrong keyword":   {`{"type":"object","properties":{"a":{"type":"strnig"}}}`, `schema is not valid at "/properties/a/type"`},
		"file reference":  {`{"$ref":"file:///etc/passwd"}`, "reference to another document"},
		"web reference":   {`{"$ref":"https://example.com/schema.json"}`, "reference to another document"},
		"beyond the size": {`{"title":"` + strings.Repeat("x", 1<<20) + `"}`, "more than the"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := catalogue.CompileSchema(json.RawMessage(tt.schema))
			require.ErrorContains(t, err, tt.want)
		})
	}
}

func TestSchemaCacheCompilesATextOnce(t *testing.T) {
	t.Parallel()
	var cache catalogue.SchemaCache
	first, err := cache.Compile(json.RawMessage(`{"type":"object"}`))
	require.NoError(t, err)
	second, err := cache.Compile(json.RawMessage(`{"type":"object"}`))
	require.NoError(t, err)
	require.Same(t, first, second)
	_, err = cache.Compile(json.RawMessage(`{`))
	require.Error(t, err)
}
