// Package wildcard matches names against patterns in which * stands for any
// text, and every other character for itself. Queue names, handler names and
// the queues of API keys are all written this way.
package wildcard

import (
	"slices"
	"strings"
)

// Is reports whether a text is a pattern rather than a plain name.
func Is(text string) bool { return strings.Contains(text, "*") }

// Match reports whether the whole name fits the pattern.
func Match(pattern, name string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == name
	}
	first, last := parts[0], parts[len(parts)-1]
	if len(name) < len(first)+len(last) || !strings.HasPrefix(name, first) || !strings.HasSuffix(name, last) {
		return false
	}
	rest := name[len(first) : len(name)-len(last)]
	for _, part := range parts[1 : len(parts)-1] {
		i := strings.Index(rest, part)
		if i < 0 {
			return false
		}
		rest = rest[i+len(part):]
	}
	return true
}

// Any reports whether the name fits one of the patterns.
func Any(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool { return Match(pattern, name) })
}
