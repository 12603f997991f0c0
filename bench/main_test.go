package main

import (
	"slices"
	"testing"

	"github.com/jobrunner-dev/jobrunner/bench/internal/scenario"
)

func TestScenariosAreChosenByNameOrByWhatNamesBeginWith(t *testing.T) {
	keys := func(scenarios []scenario.Scenario) []string {
		var out []string
		for _, s := range scenarios {
			out = append(out, s.Key)
		}
		return out
	}
	tests := map[string]struct {
		want []string
		hold bool
	}{
		"core":              {want: []string{"core"}},
		"latency":           {want: []string{"latency-idle", "latency-busy"}},
		"handlers-save":     {want: []string{"handlers-save"}},
		"core,hold,backlog": {want: []string{"core", "backlog"}, hold: true},
	}
	for names, tt := range tests {
		selected, hold, err := choose(options{scenarios: names})
		if err != nil {
			t.Fatal(err)
		}
		if got := keys(selected); !slices.Equal(got, tt.want) || hold != tt.hold {
			t.Errorf("%q chooses %v and hold %v, want %v and %v", names, got, hold, tt.want, tt.hold)
		}
	}
	for _, unknown := range []string{"cor", "handlers-", "core,"} {
		if _, _, err := choose(options{scenarios: unknown}); err == nil {
			t.Errorf("%q should be refused", unknown)
		}
	}
}
