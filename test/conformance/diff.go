package conformance

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Difference is one place where two outcomes are not equal.
type Difference struct {
	// Path leads to it: "answers[2]/result/id", "keys/q:wait/value".
	Path string
	// A and B are what stands there, as JSON, or "(absent)".
	A, B string
}

// Differences are all the places where two outcomes are not equal.
type Differences []Difference

// Diff compares two outcomes.
func Diff(a, b *Outcome) (Differences, error) {
	plainA, err := plain(a)
	if err != nil {
		return nil, err
	}
	plainB, err := plain(b)
	if err != nil {
		return nil, err
	}
	var all Differences
	walk("", plainA, plainB, func(path string, a, b any) {
		all = append(all, Difference{Path: path, A: show(a), B: show(b)})
	})
	return all, nil
}

// Format writes the differences as text. The names say whose the outcomes are.
func (d Differences) Format(nameA, nameB string) string {
	lines := make([]string, len(d))
	for i, one := range d {
		lines[i] = fmt.Sprintf("%s:\n    %-5s %s\n    %-5s %s", one.Path, nameA, one.A, nameB, one.B)
	}
	return strings.Join(lines, "\n")
}

// absent stands for a member or element that one side does not have.
type absent struct{}

func walk(path string, a, b any, report func(path string, a, b any)) {
	switch va := a.(type) {
	case map[string]any:
		if vb, ok := b.(map[string]any); ok {
			walkObjects(path, va, vb, report)
			return
		}
	case []any:
		if vb, ok := b.([]any); ok && len(va) == len(vb) {
			for i := range va {
				walk(fmt.Sprintf("%s[%d]", path, i), va[i], vb[i], report)
			}
			return
		}
	}
	if !reflect.DeepEqual(a, b) {
		report(path, a, b)
	}
}

func walkObjects(path string, a, b map[string]any, report func(path string, a, b any)) {
	names := maps.Clone(a)
	maps.Copy(names, b)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		va, inA := a[name]
		vb, inB := b[name]
		switch at := strings.TrimPrefix(path+"/"+name, "/"); {
		case !inA:
			report(at, absent{}, vb)
		case !inB:
			report(at, va, absent{})
		default:
			walk(at, va, vb, report)
		}
	}
}

func show(v any) string {
	if _, ok := v.(absent); ok {
		return "(absent)"
	}
	encoded, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(encoded)
}
