package shell

import (
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// further is the word that ends a rule whose last pattern may be repeated.
const further = "..."

// Rule is a program that jobs may run, and with which arguments.
type Rule struct {
	name string // as jobs name it
	path string // absolute
	args []*regexp.Regexp
	// rest is what any number of further arguments must fit; nil allows none.
	rest *regexp.Regexp
}

// ParseRules reads rules of the form
//
//	PROGRAM [PATTERN ...]
//
// of words with spaces between them. The program is an absolute path, or a name
// that is looked up in the worker's PATH now. Each pattern is a regular expression
// that a whole argument must fit; a last word "..." lets the pattern before it,
// or anything if there is none, stand for any number of further arguments. A
// program alone may have no arguments. Several rules may name one program.
func ParseRules(specs []string) ([]Rule, error) {
	rules := make([]Rule, 0, len(specs))
	for _, spec := range specs {
		rule, err := parseRule(strings.Fields(spec))
		if err != nil {
			return nil, fmt.Errorf("shell command %q: %w", spec, err)
		}
		rules = append(rules, rule)
	}
	return rules, nil
}

func parseRule(words []string) (Rule, error) {
	if len(words) == 0 {
		return Rule{}, errors.New("it names no program")
	}
	r := Rule{name: words[0]}
	if strings.Contains(r.name, "/") && !filepath.IsAbs(r.name) {
		return Rule{}, errors.New("a program is an absolute path or a plain name")
	}
	path, err := exec.LookPath(r.name)
	if err != nil {
		return Rule{}, err
	}
	if r.path, err = filepath.Abs(path); err != nil {
		return Rule{}, err
	}
	patterns := words[1:]
	repeated := len(patterns) > 0 && patterns[len(patterns)-1] == further
	if repeated {
		patterns = patterns[:len(patterns)-1]
	}
	for _, text := range patterns {
		pattern, err := regexp.Compile(`(?s)\A(?:` + text + `)\z`)
		if err != nil {
			return Rule{}, fmt.Errorf("pattern %q: %w", text, err)
		}
		r.args = append(r.args, pattern)
	}
	if repeated {
		r.rest = regexp.MustCompile(`(?s)\A.*\z`)
		if n := len(r.args); n > 0 {
			r.rest, r.args = r.args[n-1], r.args[:n-1]
		}
	}
	return r, nil
}

// allows reports whether the arguments fit the patterns.
func (r Rule) allows(args []string) bool {
	if len(args) < len(r.args) || r.rest == nil && len(args) > len(r.args) {
		return false
	}
	for i, arg := range args {
		pattern := r.rest
		if i < len(r.args) {
			pattern = r.args[i]
		}
		if !pattern.MatchString(arg) {
			return false
		}
	}
	return true
}

// program returns the path of the program that a job names, if a rule allows it
// with these arguments.
func program(rules []Rule, name string, args []string) (string, error) {
	named := slices.DeleteFunc(slices.Clone(rules), func(r Rule) bool { return r.name != name && r.path != name })
	if len(named) == 0 {
		var names []string
		for _, r := range rules {
			names = append(names, r.name)
		}
		slices.Sort(names)
		return "", fmt.Errorf("this worker does not allow command %q; it does: %s", name, strings.Join(slices.Compact(names), ", "))
	}
	for _, r := range named {
		if r.allows(args) {
			return r.path, nil
		}
	}
	return "", fmt.Errorf("this worker does not allow command %q with these arguments", name)
}
