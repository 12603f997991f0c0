package conformance_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/test/conformance"
)

func TestATableMakesAScenarioOfEachCombination(t *testing.T) {
	t.Parallel()
	scenarios, err := conformance.Parse([]byte(`{
		"shared": {"times": {"now": {}, "later": {"delay": 5}}},
		"scenarios": [{
			"name": "a job",
			"vary": {
				"a": "times",
				"b": {"": [], "and another": [{"op": "add", "name": "second"}]}
			},
			"steps": [{"op": "add", "opts": {"...": "$a", "attempts": 2}}, "$b"]
		}]
	}`))
	require.NoError(t, err)
	steps := map[string][]string{}
	for _, s := range scenarios {
		for _, step := range s.Steps {
			steps[s.Name] = append(steps[s.Name], string(step.Args))
		}
	}
	require.Equal(t, map[string][]string{
		"a job, now":                {`{"op":"add","opts":{"attempts":2}}`},
		"a job, later":              {`{"op":"add","opts":{"attempts":2,"delay":5}}`},
		"a job, now, and another":   {`{"op":"add","opts":{"attempts":2}}`, `{"name":"second","op":"add"}`},
		"a job, later, and another": {`{"op":"add","opts":{"attempts":2,"delay":5}}`, `{"name":"second","op":"add"}`},
	}, steps)
}

func TestFilesThatHoldNoScenarioAreRefused(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"not JSON":               `{`,
		"no name":                `{"steps": [{"op": "add"}]}`,
		"no steps":               `{"name": "x"}`,
		"a step without an op":   `{"name": "x", "steps": [{}]}`,
		"choices nobody defined": `{"name": "x", "vary": {"a": "none"}, "steps": [{"op": "add"}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := conformance.Parse([]byte(text))
			require.Error(t, err)
		})
	}
}
