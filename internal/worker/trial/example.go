package trial

import (
	"encoding/json"
	"maps"
	"slices"
)

// maxDepth bounds how deep examples are nested; schemas may refer to themselves.
const maxDepth = 8

// schemaPart is what [Example] reads of a schema.
type schemaPart struct {
	Default    json.RawMessage            `json:"default"`
	Examples   []json.RawMessage          `json:"examples"`
	Const      json.RawMessage            `json:"const"`
	Properties map[string]json.RawMessage `json:"properties"`
}

// Example returns data that a schema suggests: its default, its first example,
// or an object of those of its properties. It is {} if the schema suggests
// nothing, and need not meet the schema.
func Example(schema json.RawMessage) json.RawMessage {
	if value := example(schema, maxDepth); value != nil {
		return value
	}
	return json.RawMessage("{}")
}

func example(schema json.RawMessage, depth int) json.RawMessage {
	var part schemaPart
	if depth == 0 || json.Unmarshal(schema, &part) != nil {
		return nil
	}
	switch {
	case part.Default != nil:
		return part.Default
	case len(part.Examples) > 0:
		return part.Examples[0]
	case part.Const != nil:
		return part.Const
	}
	object := map[string]json.RawMessage{}
	for _, name := range slices.Sorted(maps.Keys(part.Properties)) {
		if value := example(part.Properties[name], depth-1); value != nil {
			object[name] = value
		}
	}
	if len(object) == 0 {
		return nil
	}
	text, err := json.Marshal(object)
	if err != nil {
		return nil // raw messages that were decoded encode again
	}
	return text
}
