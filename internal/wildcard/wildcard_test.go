package wildcard_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/internal/wildcard"
)

func TestPatternsMatchWholeNames(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		pattern, name string
		want          bool
	}{
		{"mail", "mail", true},
		{"mail", "mail2", false},
		{"mail-*", "mail-", true},
		{"mail-*", "mail-in", true},
		{"mail-*", "xmail-in", false},
		{"*", "", true},
		{"*", "anything", true},
		{"*-in", "mail-in", true},
		{"*-in", "mail-in-x", false},
		{"a*b*c", "abc", true},
		{"a*b*c", "a1b2c", true},
		{"a*b*c", "acb", false},
		{"ab*ba", "aba", false},
		{"ab*ba", "abba", true},
		{"a*a*a", "aa", false},
		{"", "", true},
		{"", "a", false},
		{"a**b", "ab", true},
		{"[a]", "a", false},
		{"a.", "ab", false},
	} {
		require.Equal(t, tt.want, wildcard.Match(tt.pattern, tt.name), "%q %q", tt.pattern, tt.name)
	}
}

func TestOneOfThePatternsIsEnough(t *testing.T) {
	t.Parallel()
	require.True(t, wildcard.Any([]string{"sms", "mail-*"}, "mail-in"))
	require.False(t, wildcard.Any([]string{"sms", "mail-*"}, "push"))
	require.False(t, wildcard.Any(nil, "push"))
	require.True(t, wildcard.Is("mail-*"))
	require.False(t, wildcard.Is("mail"))
}
