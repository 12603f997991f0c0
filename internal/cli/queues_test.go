package cli

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseQueues(t *testing.T) {
	t.Parallel()
	queues, err := parseQueues([]string{"mail", "reports=3", "a:b = 2"})
	require.NoError(t, err)
	require.Equal(t, []queueFlag{{"mail", 10}, {"reports", 3}, {"a:b", 2}}, queues)
}

func TestParseQueuesRefusesWhatItCannotMean(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"mail=0":    "from 1 up",
		"mail=many": "from 1 up",
		"mail=":     "from 1 up",
		"=5":        "name is missing",
		"":          "name is missing",
	} {
		_, err := parseQueues([]string{value})
		require.ErrorContains(t, err, want, value)
	}
	_, err := parseQueues([]string{"mail=1", "mail=2"})
	require.ErrorContains(t, err, "named twice")
}
