package plugin

import (
	"fmt"
	"slices"
	"strings"
)

// The ways in which a file differs from the one that was installed.
const (
	Changed = "changed"
	Missing = "missing"
	Added   = "added"
	// Retyped is such as a link in place of a file, or a new execute bit.
	Retyped = "of another type"
)

// Change is a file that is not as it was installed.
type Change struct {
	// Path is the file's path within the plugin.
	Path string `json:"path"`
	// How is [Changed], [Missing], [Added] or [Retyped].
	How string `json:"how"`
}

// compare returns how now differs from installed.
func compare(installed, now listing) []Change {
	changes := []Change{}
	before := map[string]file{}
	for _, f := range installed {
		before[f.path] = f
	}
	for _, f := range now {
		old, known := before[f.path]
		delete(before, f.path)
		switch {
		case !known:
			changes = append(changes, Change{f.path, Added})
		case old.kind != f.kind:
			changes = append(changes, Change{f.path, Retyped})
		case old.sum != f.sum:
			changes = append(changes, Change{f.path, Changed})
		}
	}
	for path := range before {
		changes = append(changes, Change{path, Missing})
	}
	slices.SortFunc(changes, func(a, b Change) int { return strings.Compare(a.Path, b.Path) })
	return changes
}

// maxNamed is how many changes an error names.
const maxNamed = 3

func describeChanges(changes []Change) string {
	if len(changes) == 0 {
		return "its checksum differs"
	}
	var parts []string
	for _, c := range changes[:min(len(changes), maxNamed)] {
		parts = append(parts, c.Path+" is "+c.How)
	}
	text := strings.Join(parts, ", ")
	if n := len(changes) - len(parts); n > 0 {
		text += fmt.Sprintf(" (and %d more)", n)
	}
	return text
}
