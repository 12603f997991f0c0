package flow

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
)

var placeholder = regexp.MustCompile(`\{\{\s*([A-Za-z_][A-Za-z0-9_-]*)\s*\}\}`)

// values returns the parameters of a run: what it gives, and defaults for the rest.
func (s *Spec) values(given map[string]json.RawMessage) (map[string]json.RawMessage, error) {
	values := map[string]json.RawMessage{}
	for _, p := range s.Parameters {
		value, ok := given[p.Name]
		if !ok {
			value = p.Default
		}
		if len(value) == 0 {
			return nil, &InvalidError{"parameters." + p.Name, "The flow needs a value for this parameter."}
		}
		values[p.Name] = value
	}
	for name := range given {
		if _, ok := values[name]; !ok {
			return nil, &InvalidError{"parameters." + name, "The flow has no parameter of this name."}
		}
	}
	return values, nil
}

// fill returns the tree with the values in the place of {{name}} in its data.
func (n Node) fill(values map[string]json.RawMessage) (Node, error) {
	if len(n.Data) > 0 && len(values) > 0 {
		dec := json.NewDecoder(bytes.NewReader(n.Data))
		dec.UseNumber() // so that large numbers stay as they are
		var data any
		if err := dec.Decode(&data); err != nil {
			return Node{}, fmt.Errorf("data of job %s: %w", n.Name, err)
		}
		var out bytes.Buffer
		enc := json.NewEncoder(&out)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(fillValue(data, values)); err != nil {
			return Node{}, fmt.Errorf("data of job %s: %w", n.Name, err)
		}
		n.Data = bytes.TrimSpace(out.Bytes())
	}
	children := make([]Node, len(n.Children))
	for i, child := range n.Children {
		var err error
		if children[i], err = child.fill(values); err != nil {
			return Node{}, err
		}
	}
	n.Children = children
	return n, nil
}

func fillValue(v any, values map[string]json.RawMessage) any {
	switch v := v.(type) {
	case string:
		return fillText(v, values)
	case []any:
		for i := range v {
			v[i] = fillValue(v[i], values)
		}
	case map[string]any:
		for name := range v {
			v[name] = fillValue(v[name], values)
		}
	}
	return v
}

// fillText replaces the placeholders of known parameters. A text that is nothing
// but one becomes the value itself, of whatever type.
func fillText(text string, values map[string]json.RawMessage) any {
	if m := placeholder.FindStringSubmatch(text); m != nil && m[0] == text {
		if value, ok := values[m[1]]; ok {
			return value
		}
	}
	return placeholder.ReplaceAllStringFunc(text, func(found string) string {
		value, ok := values[placeholder.FindStringSubmatch(found)[1]]
		if !ok {
			return found
		}
		var s string
		if json.Unmarshal(value, &s) == nil {
			return s
		}
		return string(value)
	})
}
