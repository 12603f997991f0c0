package report

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/jobrunner-dev/jobrunner/bench/internal/peer"
	"github.com/jobrunner-dev/jobrunner/bench/internal/scenario"
)

// table is a header and rows of cells, the first of which is a name.
type table struct {
	header []string
	rows   [][]string
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

func (t *table) markdown(w io.Writer) {
	fmt.Fprintf(w, "| %s |\n|---%s|\n", strings.Join(t.header, " | "), strings.Repeat("|---:", len(t.header)-1))
	for _, r := range t.rows {
		fmt.Fprintf(w, "| %s |\n", strings.Join(r, " | "))
	}
}

func (t *table) text(w io.Writer) error {
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, r := range append([][]string{t.header}, t.rows...) {
		fmt.Fprintln(tab, strings.Join(r, "\t"))
	}
	return tab.Flush()
}

// summary compares JobRunner with its peers and with what it is to reach.
func summary(r Results) *table {
	t := &table{header: []string{"measure"}}
	for _, p := range peer.All() {
		t.header = append(t.header, p.Name)
	}
	for _, p := range peer.All()[1:] {
		t.header = append(t.header, "× "+p.Name)
	}
	t.header = append(t.header, "target", "reached")
	for _, g := range goals() {
		own, ok := g.value(r, peer.JobRunner.Key)
		if !ok {
			continue
		}
		row := []string{g.title + ", " + g.unit, number(own)}
		var ratios []string
		for _, p := range peer.All()[1:] {
			value, ratio := "–", "–"
			if other, ok := g.value(r, p.Key); ok && other > 0 {
				value, ratio = number(other), fmt.Sprintf("%.2f", own/other)
			}
			row, ratios = append(row, value), append(ratios, ratio)
		}
		t.add(append(append(row, ratios...), g.target(), g.reached(r))...)
	}
	return t
}

// detail shows all figures of one measure.
func detail(r Results, m scenario.Measure) *table {
	first := m.Figures[0]
	t := &table{header: []string{"engine", string(first), "lowest–highest round"}}
	for _, f := range m.Figures[1:] {
		t.header = append(t.header, string(f))
	}
	for _, p := range peer.All() {
		value, ok := r.median(m.Key, p.Key, first)
		if !ok {
			continue
		}
		low, high := r.spread(m.Key, p.Key, first)
		row := []string{p.Name, number(value), number(low) + "–" + number(high)}
		for _, f := range m.Figures[1:] {
			value, _ := r.median(m.Key, p.Key, f)
			row = append(row, number(value))
		}
		t.add(row...)
	}
	return t
}

// number shows three digits or, of large numbers, all before the point.
func number(v float64) string {
	switch {
	case v >= 100 || v <= -100 || v == 0:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	default:
		return fmt.Sprintf("%.2f", v)
	}
}
