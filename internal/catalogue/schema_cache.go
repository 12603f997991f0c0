package catalogue

import (
	"encoding/json"
	"sync"
)

// SchemaCache compiles each schema once. The zero value is ready for use, and
// safe for concurrent use.
type SchemaCache struct {
	mu      sync.Mutex
	schemas map[string]compiledSchema // guarded by mu; by the schema's text
}

type compiledSchema struct {
	schema *Schema
	err    error
}

// maxCachedSchemas is far above what an installation has in service; passing it
// means old versions have piled up, and all are dropped.
const maxCachedSchemas = 1024

// Compile is [CompileSchema] with a memory.
func (c *SchemaCache) Compile(text json.RawMessage) (*Schema, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if found, ok := c.schemas[string(text)]; ok {
		return found.schema, found.err
	}
	if c.schemas == nil || len(c.schemas) >= maxCachedSchemas {
		c.schemas = make(map[string]compiledSchema)
	}
	schema, err := CompileSchema(text)
	c.schemas[string(text)] = compiledSchema{schema, err}
	return schema, err
}
