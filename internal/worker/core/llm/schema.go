package llm

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/jobrunner-dev/jobrunner/internal/catalogue"
)

// SchemaError says that a model's answer does not meet the job's schema.
type SchemaError struct {
	Violations []catalogue.Violation
	// Answer is the beginning of what the model wrote.
	Answer string
}

func (e *SchemaError) Error() string {
	return fmt.Sprintf("the model's answer does not meet the schema: %s; it began %q", strings.Join(e.list(3), ", "), e.Answer)
}

// list words the first violations.
func (e *SchemaError) list(most int) []string {
	words := make([]string, 0, most)
	for i, v := range e.Violations {
		if i == most {
			words = append(words, fmt.Sprintf("and %d more", len(e.Violations)-most))
			break
		}
		words = append(words, strings.TrimSpace(v.Path+" "+v.Message))
	}
	return words
}

// conform returns the JSON value of an answer that meets the schema, or a
// [*SchemaError].
func conform(schema *catalogue.Schema, text string) (json.RawMessage, error) {
	value := json.RawMessage(withoutFence(text))
	violations := []catalogue.Violation{{Message: "is empty"}} // which a schema would take for {}
	if len(value) > 0 {
		violations = schema.Validate(value)
	}
	if len(violations) == 0 {
		return value, nil
	}
	const shown = 200
	return nil, &SchemaError{violations, strings.ToValidUTF8(text[:min(len(text), shown)], "\uFFFD")}
}

// withoutFence takes off the code fence that models like to put around JSON.
func withoutFence(text string) string {
	text = strings.TrimSpace(text)
	inner, fenced := strings.CutPrefix(text, "```")
	if !fenced {
		return text
	}
	inner, fenced = strings.CutSuffix(inner, "```")
	if !fenced {
		return text
	}
	return strings.TrimSpace(strings.TrimPrefix(inner, "json"))
}

// repair asks the model for a better answer.
func repair(q question, given string, e *SchemaError) question {
	text := "Your answer does not meet the JSON Schema:\n- " + strings.Join(e.list(20), "\n- ") +
		"\n\nThe schema is:\n" + string(q.schema) + "\n\nAnswer again, with the corrected JSON value and nothing else."
	messages := make([]Message, 0, len(q.messages)+2)
	messages = append(messages, q.messages...)
	if strings.TrimSpace(given) != "" {
		messages = append(messages, Message{"assistant", given})
	}
	q.messages = append(messages, Message{"user", text})
	return q
}
