package cli

import (
	"fmt"
	"strconv"
	"strings"
)

// defaultConcurrency is how many jobs of a queue run at once if the queue was
// named without a number.
const defaultConcurrency = 10

// queueFlag is one value of the setting queue.
type queueFlag struct {
	name        string
	concurrency int
}

// parseQueues reads values of the form NAME or NAME=CONCURRENCY.
func parseQueues(values []string) ([]queueFlag, error) {
	queues := make([]queueFlag, 0, len(values))
	seen := map[string]bool{}
	for _, value := range values {
		name, number, given := strings.Cut(value, "=")
		q := queueFlag{name: strings.TrimSpace(name), concurrency: defaultConcurrency}
		if given {
			var err error
			if q.concurrency, err = strconv.Atoi(strings.TrimSpace(number)); err != nil || q.concurrency < 1 {
				return nil, fmt.Errorf("queue %q: the concurrency must be a whole number from 1 up", value)
			}
		}
		switch {
		case q.name == "":
			return nil, fmt.Errorf("queue %q: the name is missing", value)
		case seen[q.name]:
			return nil, fmt.Errorf("queue %q is named twice", q.name)
		}
		seen[q.name] = true
		queues = append(queues, q)
	}
	return queues, nil
}
