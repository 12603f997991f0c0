package runtime

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// metafileInputs lists the inputs that esbuild's metafile names, sorted.
func metafileInputs(text string) ([]string, error) {
	var meta struct {
		Inputs map[string]struct{} `json:"inputs"`
	}
	if err := json.Unmarshal([]byte(text), &meta); err != nil {
		return nil, fmt.Errorf("read the bundle's inputs: %w", err)
	}
	return slices.Sorted(maps.Keys(meta.Inputs)), nil
}
