package catalogue

import (
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// maxViolations bounds what one validation reports, so that a long array of
// bad items does not make a long answer.
const maxViolations = 50

var english = message.NewPrinter(language.English)

// violations flattens a tree of errors into those that say something.
func violations(err *jsonschema.ValidationError) []Violation {
	var list []Violation
	collect(err, &list)
	slices.SortStableFunc(list, func(a, b Violation) int { return strings.Compare(a.Path, b.Path) })
	return slices.Compact(list)
}

func collect(err *jsonschema.ValidationError, list *[]Violation) {
	if len(*list) >= maxViolations {
		return
	}
	add := func(path, message string) { *list = append(*list, Violation{path, message}) }
	at := err.InstanceLocation
	switch k := err.ErrorKind.(type) {
	case *kind.Required:
		for _, name := range k.Missing {
			add(pointer(at, name), "is required")
		}
	case *kind.AdditionalProperties:
		for _, name := range k.Properties {
			add(pointer(at, name), "is not a known property")
		}
	case *kind.AnyOf, *kind.OneOf:
		add(pointer(at), choiceMessage(err))
	default:
		if len(err.Causes) == 0 {
			add(pointer(at), err.ErrorKind.LocalizedString(english))
			return
		}
		for _, cause := range err.Causes {
			collect(cause, list)
		}
	}
}

// choiceMessage explains why none, or more than one, of several subschemas fits.
func choiceMessage(err *jsonschema.ValidationError) string {
	if len(err.Causes) == 0 {
		return err.ErrorKind.LocalizedString(english)
	}
	var reasons []string
	for _, cause := range err.Causes {
		var list []Violation
		collect(cause, &list)
		if len(list) == 0 {
			continue
		}
		reason := list[0].Message
		if rest := strings.TrimPrefix(list[0].Path, pointer(err.InstanceLocation)); rest != "" {
			reason = strings.TrimPrefix(rest, "/") + " " + reason
		}
		if !slices.Contains(reasons, reason) {
			reasons = append(reasons, reason)
		}
	}
	return "matches none of the allowed forms: " + strings.Join(reasons, "; or ")
}
