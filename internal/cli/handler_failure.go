package cli

import (
	"strings"

	"github.com/jobrunner-dev/jobrunner/internal/worker/codeframe"
	"github.com/jobrunner-dev/jobrunner/internal/worker/trial"
)

// failureLine says in a line why a run failed.
func failureLine(f *trial.Failure) string {
	text := f.Message
	if f.Name != "" && f.Name != "Error" && !strings.HasPrefix(text, f.Name+":") {
		text = f.Name + ": " + text
	}
	if f.Unrecoverable {
		text += " (no further attempt would be made)"
	}
	return text
}

// failureDetails shows where a run failed: the author's code, then the stack.
func failureDetails(f *trial.Failure) string {
	var b strings.Builder
	if f.File != "" {
		at := codeframe.Place{File: shortPath(f.File), Line: f.Line, Column: f.Column}
		b.WriteString("\n" + at.String() + "\n" + f.Frame)
	}
	if stack := strings.TrimSpace(f.Stack); stack != "" {
		b.WriteString("\n" + stack + "\n")
	}
	return b.String()
}
