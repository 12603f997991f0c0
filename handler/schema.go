package handler

import (
	"encoding/json"
	"reflect"

	"github.com/invopop/jsonschema"
)

// schemaOf derives the JSON Schema of a Go type, nil for a type that holds any value.
func schemaOf[T any]() (json.RawMessage, error) {
	t := reflect.TypeFor[T]()
	if t.Kind() == reflect.Interface || t == reflect.TypeFor[json.RawMessage]() || t == reflect.TypeFor[struct{}]() {
		return nil, nil
	}
	r := jsonschema.Reflector{Anonymous: true, DoNotReference: true, ExpandedStruct: true}
	return json.Marshal(r.ReflectFromType(t))
}
