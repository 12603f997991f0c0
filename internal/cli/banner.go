package cli

import (
	"fmt"
	"text/tabwriter"
)

// line is one fact of a banner.
type line struct {
	label string
	value string
	// note explains the value, or is empty.
	note string
}

// banner prints what whoever started a long-running command needs to know.
func (p *Process) banner(title string, lines []line) {
	p.say("\n%s\n", title)
	table := tabwriter.NewWriter(p.Stdout, 0, 0, 2, ' ', 0)
	for _, l := range lines {
		if l.note != "" {
			l.value += "  (" + l.note + ")"
		}
		_, _ = fmt.Fprintf(table, "  %s\t%s\n", l.label, l.value)
	}
	_ = table.Flush()
	p.say("")
}
