package conformance

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// table is a scenario with variables. Each combination of their values makes a
// scenario of its own, named after the values' labels.
type table struct {
	Name string `json:"name"`
	// Vary has the values of each variable by label. In the steps, the text
	// "$variable" stands for the value, and in an object the member "..." for the
	// members of the object it names.
	Vary  map[string]choices `json:"vary"`
	Steps []any              `json:"steps"`
}

// choices are the values of a variable by label, or the name of such choices
// that the scenarios of a file share.
type choices struct {
	name   string
	values map[string]any
}

// UnmarshalJSON implements [json.Unmarshaler].
func (c *choices) UnmarshalJSON(text []byte) error {
	if json.Unmarshal(text, &c.name) == nil {
		return nil
	}
	return json.Unmarshal(text, &c.values)
}

// expand returns the scenarios that a table stands for.
func expand(text []byte, shared map[string]map[string]any) ([]Scenario, error) {
	var t table
	if err := json.Unmarshal(text, &t); err != nil {
		return nil, err
	}
	for variable, c := range t.Vary {
		if c.name == "" {
			continue
		}
		if c.values = shared[c.name]; c.values == nil {
			return nil, fmt.Errorf("%s: there are no shared choices %q", t.Name, c.name)
		}
		t.Vary[variable] = c
	}
	if t.Name == "" || len(t.Steps) == 0 {
		return nil, errors.New("a scenario needs a name and steps")
	}
	var scenarios []Scenario
	for _, c := range t.combinations() {
		steps, err := json.Marshal(substitute(t.Steps, c.values))
		if err != nil {
			return nil, err
		}
		s := Scenario{Name: strings.Join(append([]string{t.Name}, c.labels...), ", ")}
		if err := json.Unmarshal(steps, &s.Steps); err != nil {
			return nil, fmt.Errorf("%s: %w", s.Name, err)
		}
		scenarios = append(scenarios, s)
	}
	return scenarios, nil
}

type combination struct {
	labels []string
	values map[string]any
}

func (t *table) combinations() []combination {
	all := []combination{{}}
	for _, variable := range slices.Sorted(maps.Keys(t.Vary)) {
		var longer []combination
		for _, c := range all {
			for _, label := range slices.Sorted(maps.Keys(t.Vary[variable].values)) {
				values := maps.Clone(c.values)
				if values == nil {
					values = map[string]any{}
				}
				values[variable] = t.Vary[variable].values[label]
				longer = append(longer, combination{appendLabel(c.labels, label), values})
			}
		}
		all = longer
	}
	return all
}

// appendLabel leaves out the empty label, which a variable's plain value has.
func appendLabel(labels []string, label string) []string {
	if label == "" {
		return labels
	}
	return append(slices.Clone(labels), label)
}

// substitute puts the values where v names their variables. A list that stands
// for an element of a list gives its elements.
func substitute(v any, values map[string]any) any {
	switch v := v.(type) {
	case string:
		if value, ok := variable(v, values); ok {
			return substitute(value, values)
		}
		return v
	case []any:
		list := make([]any, 0, len(v))
		for _, element := range v {
			value := substitute(element, values)
			name, isText := element.(string)
			_, isVariable := variable(name, values)
			if inner, ok := value.([]any); ok && isText && isVariable {
				list = append(list, inner...)
			} else {
				list = append(list, value)
			}
		}
		return list
	case map[string]any:
		object := make(map[string]any, len(v))
		if spread, ok := substitute(v["..."], values).(map[string]any); ok {
			maps.Copy(object, spread)
		}
		for name, member := range v {
			if name != "..." {
				object[name] = substitute(member, values)
			}
		}
		return object
	default:
		return v
	}
}

// variable returns the value of "$name", or of a member of it, "$name.member".
func variable(text string, values map[string]any) (any, bool) {
	name, ok := strings.CutPrefix(text, "$")
	if !ok {
		return nil, false
	}
	name, member, inside := strings.Cut(name, ".")
	value, ok := values[name]
	if object, isObject := value.(map[string]any); ok && inside && isObject {
		return object[member], true
	}
	return value, ok
}
