package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/jobrunner-dev/jobrunner/internal/worker/plugin"
)

// permissionTexts says what a permission means, by its kind.
var permissionTexts = map[string]string{
	"network": "reach over the network",
	"env":     "see the variable",
	"read":    "read",
	"write":   "read and change",
	"memory":  "use memory up to",
	"cpus":    "use processor cores up to",
}

// showPermissions prints permissions for a person to decide on.
func showPermissions(w io.Writer, list []plugin.Permission) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, permission := range list {
		_, _ = fmt.Fprintf(table, "  %s\t%s\n", permissionTexts[permission.Kind], permissionValue(permission))
	}
	_ = table.Flush() // its writer is a stream of the process, whose failures are not reported
}

func permissionValue(p plugin.Permission) string {
	switch {
	case p.Kind == "network" && p.Value == "*":
		return "any host"
	case p.Kind == "env" && p.Value == "*":
		return "each that handler-env names"
	case p.Value == "/":
		return "every file"
	case p.Kind == "memory":
		return p.Value + " MiB"
	}
	return p.Value
}

// confirm asks a person, and takes nothing but a yes for one. The end of the
// input is not an answer, and neither is the end of ctx.
func (p *Process) confirm(ctx context.Context, question string) (bool, error) {
	if p.Stdin == nil {
		return false, errNoAnswer
	}
	_, _ = fmt.Fprintf(p.Stdout, "%s [y/N] ", question)
	type answer struct {
		text string
		err  error
	}
	answered := make(chan answer, 1)
	// A read of a terminal cannot be taken back: if ctx ends first, it ends with
	// the process.
	go func() {
		text, err := bufio.NewReader(p.Stdin).ReadString('\n')
		answered <- answer{text, err}
	}()
	select {
	case <-ctx.Done():
		return false, errInterrupted
	case a := <-answered:
		text := strings.ToLower(strings.TrimSpace(a.text))
		if a.err != nil && text == "" {
			_, _ = fmt.Fprintln(p.Stdout)
			return false, errNoAnswer
		}
		return text == "y" || text == "yes", nil
	}
}

var (
	errNoAnswer = errors.New("nobody has answered")
	errDeclined = errors.New("nothing was changed")
)
