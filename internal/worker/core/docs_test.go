package core_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/worker/core"
	"github.com/jobrunner-dev/jobrunner/internal/worker/core/coretest"
	"github.com/jobrunner-dev/jobrunner/internal/worker/core/shell"
)

// sections returns the page's text by the heading above it.
func sections(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "core-handlers.md"))
	require.NoError(t, err)
	all := map[string]string{}
	for _, part := range strings.Split(string(text), "\n## ")[1:] {
		heading, body, _ := strings.Cut(part, "\n")
		all[heading] = body
	}
	return all
}

func TestThePageDescribesEveryHandlerWithAllItsFields(t *testing.T) {
	t.Parallel()
	rules, err := shell.ParseRules([]string{"true"})
	require.NoError(t, err)
	definitions, err := core.Definitions(core.Options{Shell: shell.Options{Rules: rules}})
	require.NoError(t, err)
	page := sections(t)
	example := regexp.MustCompile(`(?s)-d '(.*?)'\n`)
	for _, d := range definitions {
		section, ok := page[d.Name]
		require.True(t, ok, "%s has no section", d.Name)
		var schema struct {
			Properties map[string]struct{ Title string }
		}
		for _, text := range []json.RawMessage{d.DataSchema, d.ResultSchema} {
			if text == nil {
				continue
			}
			require.NoError(t, json.Unmarshal(text, &schema))
			for _, field := range slices.Sorted(maps.Keys(schema.Properties)) {
				require.Contains(t, section, "`"+field+"`", "field %s of %s", field, d.Name)
			}
		}
		examples := example.FindAllStringSubmatch(section, -1)
		require.NotEmpty(t, examples, d.Name)
		for _, found := range examples {
			var job struct {
				Name string
				Data json.RawMessage
				Opts *bullmq.JobOptions
			}
			require.NoError(t, json.Unmarshal([]byte(found[1]), &job))
			require.Equal(t, d.Name, job.Name)
			require.Empty(t, coretest.Violations(t, d.DataSchema, job.Data))
		}
	}
}

func TestEveryFieldOfAFormHasATitle(t *testing.T) {
	t.Parallel()
	definitions, err := core.Definitions(core.Options{})
	require.NoError(t, err)
	for _, d := range definitions {
		if d.DataSchema == nil {
			continue
		}
		var schema map[string]any
		require.NoError(t, json.Unmarshal(d.DataSchema, &schema))
		requireTitles(t, d.Name, schema)
	}
}

// requireTitles looks at the properties of a schema, and of those that are objects.
func requireTitles(t *testing.T, path string, schema map[string]any) {
	t.Helper()
	properties, _ := schema["properties"].(map[string]any)
	for name, value := range properties {
		if free, ok := value.(bool); ok && free {
			require.Fail(t, "any value, without a title", "%s.%s", path, name)
		}
		property, ok := value.(map[string]any)
		require.True(t, ok)
		require.NotEmpty(t, property["title"], "%s.%s", path, name)
		requireTitles(t, path+"."+name, property)
		if items, ok := property["items"].(map[string]any); ok {
			requireTitles(t, path+"."+name+"[]", items)
		}
	}
}
