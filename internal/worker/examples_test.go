package worker_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/internal/catalogue"
	"github.com/jobrunner-dev/jobrunner/internal/worker"
)

func TestTheShippedExamplesRun(t *testing.T) {
	t.Parallel()
	b := start(t, nil, func(o *worker.Options) {
		o.HandlerDirs, o.PluginDirs = []string{"../../handlers"}, []string{"../../plugins"}
		o.UninstalledPlugins = true
	})
	tests := map[string]struct{ data, want string }{
		"word-count": {
			`{"text":"The cat and the dog and the bird","top":2}`,
			`{"words":8,"distinct":5,"top":[{"word":"the","count":3},{"word":"and","count":2}]}`,
		},
		"csv-summary": {
			`{"csv":"city;visits\nOslo;12\nRome;30\n","delimiter":";"}`,
			`{"rows":2,"columns":{"city":{"type":"text","filled":2,"distinct":2},"visits":{"type":"number","filled":2,"min":12,"max":30,"mean":21}}}`,
		},
		"greet": {`{"name":"Ada","language":"es"}`, `{"greeting":"¡Hola, Ada!"}`},
	}
	for name, tt := range tests {
		h := b.handler(name, inService)
		require.JSONEq(t, tt.want, b.run(name, tt.data))

		var schema struct {
			Properties map[string]struct {
				Title, Description string
				Default            any
			}
		}
		require.NoError(t, json.Unmarshal(h.DataSchema, &schema))
		defaults := map[string]any{}
		for field, p := range schema.Properties {
			require.NotEmpty(t, p.Title, "%s: %s", name, field)
			require.NotEmpty(t, p.Description, "%s: %s", name, field)
			defaults[field] = p.Default
		}
		filled, err := json.Marshal(defaults)
		require.NoError(t, err)
		compiled, err := catalogue.CompileSchema(h.DataSchema)
		require.NoError(t, err)
		require.Empty(t, compiled.Validate(filled), "a form's defaults are valid data of %s", name)
	}
}
