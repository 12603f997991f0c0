package conformance

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Diff lists where two outcomes differ, a line for each place, and is empty if
// they are equal. The names say whose the outcomes are.
func Diff(nameA string, a *Outcome, nameB string, b *Outcome) (string, error) {
	plainA, err := plain(a)
	if err != nil {
		return "", err
	}
	plainB, err := plain(b)
	if err != nil {
		return "", err
	}
	var lines []string
	walk("", plainA, plainB, func(path string, a, b any) {
		lines = append(lines, fmt.Sprintf("%s:\n    %-5s %s\n    %-5s %s", path, nameA, show(a), nameB, show(b)))
	})
	return strings.Join(lines, "\n"), nil
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
