package catalogue

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// maxSchemaSize bounds what [CompileSchema] takes, in bytes.
const maxSchemaSize = 1 << 20

// Schema is a compiled JSON Schema. It is safe for concurrent use.
type Schema struct{ compiled *jsonschema.Schema }

// Violation is one way in which a value does not meet a schema.
type Violation struct {
	// Path is a JSON Pointer to the offending value, "" for the whole; for a
	// missing property it points to where that would be.
	Path string `json:"path"`
	// Message says what is wrong, without the path.
	Message string `json:"message"`
}

// CompileSchema compiles a JSON Schema, of draft 2020-12 unless it says
// otherwise. References to other documents are refused; formats are asserted.
func CompileSchema(text json.RawMessage) (*Schema, error) {
	if len(text) > maxSchemaSize {
		return nil, fmt.Errorf("schema has %d bytes, more than the %d allowed", len(text), maxSchemaSize)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("schema is not JSON: %w", err)
	}
	const location = "schema.json"
	compiler := jsonschema.NewCompiler()
	compiler.UseLoader(noLoader{})
	compiler.AssertFormat()
	if err := compiler.AddResource(location, doc); err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	compiled, err := compiler.Compile(location)
	if err != nil {
		return nil, schemaError(err)
	}
	return &Schema{compiled}, nil
}

// Validate returns the violations of data, none if it meets the schema. Empty
// data stands for {}, as BullMQ stores a job without data.
func (s *Schema) Validate(data json.RawMessage) []Violation {
	if len(bytes.TrimSpace(data)) == 0 {
		data = json.RawMessage("{}")
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return []Violation{{Message: "is not valid JSON: " + err.Error()}}
	}
	var failed *jsonschema.ValidationError
	switch err := s.compiled.Validate(value); {
	case err == nil:
		return nil
	case errors.As(err, &failed):
		return violations(failed)
	default:
		return []Violation{{Message: err.Error()}}
	}
}

// schemaError makes the compiler's report of a schema that is no schema short.
func schemaError(err error) error {
	var invalid *jsonschema.SchemaValidationError
	var failed *jsonschema.ValidationError
	if errors.As(err, &invalid) && errors.As(invalid.Err, &failed) {
		if found := violations(failed); len(found) > 0 {
			return fmt.Errorf("schema is not valid at %q: %s", found[0].Path, found[0].Message)
		}
	}
	return fmt.Errorf("schema: %w", err)
}

// noLoader keeps schemas from reading files or the network.
type noLoader struct{}

func (noLoader) Load(url string) (any, error) {
	return nil, fmt.Errorf("reference to another document: %s", url)
}

func pointer(tokens []string, more ...string) string {
	escape := strings.NewReplacer("~", "~0", "/", "~1")
	var b strings.Builder
	for _, list := range [][]string{tokens, more} {
		for _, t := range list {
			b.WriteByte('/')
			_, _ = escape.WriteString(&b, t)
		}
	}
	return b.String()
}
