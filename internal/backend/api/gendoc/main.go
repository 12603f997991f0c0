// Command gendoc writes the OpenAPI document of the backend to a file.
package main

import (
	"fmt"
	"os"

	"github.com/jobrunner-dev/jobrunner/internal/backend/api"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "gendoc:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("usage: gendoc <file>")
	}
	doc, err := api.Document()
	if err != nil {
		return err
	}
	return os.WriteFile(args[0], append(doc, '\n'), 0o644) //nolint:gosec // the document is public
}
