// Package report turns samples into the page of results.
package report

import (
	"slices"

	"github.com/jobrunner-dev/jobrunner/bench/internal/peer"
	"github.com/jobrunner-dev/jobrunner/bench/internal/scenario"
)

// Results are the samples of all rounds, by measure and engine.
type Results map[string]map[string][]scenario.Sample

// Add keeps what one round of an engine came to.
func (r Results) Add(p *peer.Peer, samples map[string]scenario.Sample) {
	for key, s := range samples {
		if r[key] == nil {
			r[key] = map[string][]scenario.Sample{}
		}
		r[key][p.Key] = append(r[key][p.Key], s)
	}
}

// median returns the median round's figure; false if there is none.
func (r Results) median(measure, engine string, f scenario.Figure) (float64, bool) {
	values := r.sorted(measure, engine, f)
	if len(values) == 0 {
		return 0, false
	}
	mid := len(values) / 2
	if len(values)%2 == 0 {
		return (values[mid-1] + values[mid]) / 2, true
	}
	return values[mid], true
}

// spread returns the lowest and the highest round's figure.
func (r Results) spread(measure, engine string, f scenario.Figure) (low, high float64) {
	values := r.sorted(measure, engine, f)
	if len(values) == 0 {
		return 0, 0
	}
	return values[0], values[len(values)-1]
}

func (r Results) sorted(measure, engine string, f scenario.Figure) []float64 {
	var values []float64
	for _, s := range r[measure][engine] {
		if v, ok := s[f]; ok {
			values = append(values, v)
		}
	}
	slices.Sort(values)
	return values
}
