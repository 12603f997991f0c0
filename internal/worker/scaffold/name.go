package scaffold

import (
	"fmt"
	"regexp"
	"strings"
)

// maxName bounds a name, in bytes: it becomes a file's name too.
const maxName = 100

var wellFormed = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]*(?:[-_][A-Za-z0-9]+)*$`)

// CheckName says why a name is none that a new handler can have: words of
// letters and digits, joined by hyphens or underscores. A worker accepts more,
// but not as the name of a file.
func CheckName(name string) error {
	lower := strings.ToLower(name)
	switch {
	case len(name) > maxName:
		return fmt.Errorf("the name has %d letters, more than the %d allowed", len(name), maxName)
	case !wellFormed.MatchString(name):
		return fmt.Errorf("%q cannot be a name: use letters and digits, with - or _ between words, such as send-invoice", name)
	case strings.HasPrefix(lower, "test_"), strings.HasSuffix(lower, "_test"), lower == "conftest":
		return fmt.Errorf("%q cannot be a name: workers take the file for a test", name)
	}
	return nil
}
