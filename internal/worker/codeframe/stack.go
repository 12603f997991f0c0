package codeframe

import (
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

var (
	// A frame of V8 ("at run (file:///x.ts:3:5)") or of Go ("	/x/main.go:12 +0x1d").
	slashed = regexp.MustCompile(`(file://)?(/[^()\n"]*?):(\d+)(?::(\d+))?(?:\)|\s|$)`)
	// A frame of a Python traceback.
	quoted = regexp.MustCompile(`^\s*File "([^"\n]+)", line (\d+)`)
)

// InStack returns the innermost place of a stack trace that lies in a file the
// caller calls its own, and whether there is one.
//
// JavaScript and Go name the innermost frame first, Python last.
func InStack(stack string, own func(file string) bool) (Place, bool) {
	var found Place
	for line := range strings.Lines(stack) {
		if m := quoted.FindStringSubmatch(line); m != nil {
			if own(m[1]) {
				found = Place{File: m[1], Line: number(m[2])}
			}
			continue
		}
		m := slashed.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		file := m[2]
		if m[1] != "" {
			if path, err := url.PathUnescape(file); err == nil {
				file = path
			}
		}
		if own(file) {
			return Place{File: file, Line: number(m[3]), Column: number(m[4])}, true
		}
	}
	return found, found.Line > 0
}

// number is 0 for what is too large to be one.
func number(digits string) int {
	n, _ := strconv.Atoi(digits)
	return n
}
