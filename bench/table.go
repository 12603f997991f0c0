package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// row is one engine in one phase, the median over the rounds.
type row struct {
	engine    string
	rate      float64 // jobs per second
	low, high float64 // the slowest and the fastest round's rate
	ratio     float64 // of the rate to the reference engine's
	cpu       float64 // Redis CPU in µs per job
	memory    float64 // Redis memory in bytes per job
	offered   bool
}

// titles name the phases, in the order they are shown.
func titles(l load) []struct {
	phase phase
	title string
} {
	return []struct {
		phase phase
		title string
	}{
		{phaseAdd, fmt.Sprintf("Add, %d producers", l.producers)},
		{phaseBulk, fmt.Sprintf("Add, in bulks of %d", l.bulk)},
		{phaseDrain, fmt.Sprintf("Drain, concurrency %d", l.concurrency)},
	}
}

// rows compares the engines in one phase with the reference.
func rows(samples map[string]map[phase][]sample, engines []engine, p phase, jobs int, reference string) []row {
	base := summarize(samples[reference][p], jobs).rate
	out := make([]row, 0, len(engines))
	for _, e := range engines {
		r := summarize(samples[e.name()][p], jobs)
		r.engine = e.name()
		if base > 0 {
			r.ratio = r.rate / base
		}
		out = append(out, r)
	}
	return out
}

func summarize(samples []sample, jobs int) row {
	if len(samples) == 0 {
		return row{}
	}
	perJob := func(d time.Duration) float64 { return float64(d.Microseconds()) / float64(jobs) }
	rate := func(s sample) float64 { return float64(jobs) / s.elapsed.Seconds() }
	lowest, _ := extremes(samples, rate)
	_, highest := extremes(samples, rate)
	return row{
		offered: true,
		rate:    median(samples, rate),
		low:     lowest,
		high:    highest,
		cpu:     median(samples, func(s sample) float64 { return perJob(s.cpu) }),
		memory:  median(samples, func(s sample) float64 { return float64(s.memory) / float64(jobs) }),
	}
}

func median(samples []sample, of func(sample) float64) float64 {
	values := make([]float64, len(samples))
	for i, s := range samples {
		values[i] = of(s)
	}
	slices.Sort(values)
	mid := len(values) / 2
	if len(values)%2 == 0 {
		return (values[mid-1] + values[mid]) / 2
	}
	return values[mid]
}

func extremes(samples []sample, of func(sample) float64) (lowest, highest float64) {
	compare := func(a, b sample) int { return cmp.Compare(of(a), of(b)) }
	return of(slices.MinFunc(samples, compare)), of(slices.MaxFunc(samples, compare))
}

// cells are a row's texts, in the order of the header.
var header = []string{"engine", "jobs/s", "slowest–fastest round", "× Node BullMQ", "Redis CPU µs/job", "Redis bytes/job"}

func (r row) cells(p phase) []string {
	if !r.offered {
		return []string{r.engine, "n/a", "n/a", "n/a", "n/a", "n/a"}
	}
	ratio, memory := "n/a", "–"
	if r.ratio > 0 {
		ratio = fmt.Sprintf("%.2f", r.ratio)
	}
	if p != phaseDrain { // finished jobs are kept by some engines and not by others
		memory = fmt.Sprintf("%.0f", r.memory)
	}
	return []string{
		r.engine, fmt.Sprintf("%.0f", r.rate), fmt.Sprintf("%.0f–%.0f", r.low, r.high),
		ratio, fmt.Sprintf("%.1f", r.cpu), memory,
	}
}

// writeText prints a table for a terminal.
func writeText(w io.Writer, title string, p phase, rows []row) error {
	fmt.Fprintf(w, "\n%s\n", title)
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tab, strings.Join(header, "\t"))
	for _, r := range rows {
		fmt.Fprintln(tab, strings.Join(r.cells(p), "\t"))
	}
	return tab.Flush()
}

// writeMarkdown prints the same table for a document.
func writeMarkdown(w io.Writer, title string, p phase, rows []row) {
	fmt.Fprintf(w, "\n## %s\n\n| %s |\n|---%s|\n", title, strings.Join(header, " | "), strings.Repeat("|---:", len(header)-1))
	for _, r := range rows {
		fmt.Fprintf(w, "| %s |\n", strings.Join(r.cells(p), " | "))
	}
}
