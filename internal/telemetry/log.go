// Package telemetry makes the logger that every part of a process writes to.
package telemetry

import (
	"fmt"
	"io"
	"log/slog"
)

// The formats of a log.
const (
	FormatText = "text"
	FormatJSON = "json"
)

// NewLogger returns a logger that writes records of a level, such as "info", and
// above. Format is [FormatText] or [FormatJSON].
func NewLogger(w io.Writer, level, format string) (*slog.Logger, error) {
	var least slog.Level
	if err := least.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("log level: %w", err)
	}
	opts := &slog.HandlerOptions{Level: least}
	switch format {
	case FormatText:
		return slog.New(slog.NewTextHandler(w, opts)), nil
	case FormatJSON:
		return slog.New(slog.NewJSONHandler(w, opts)), nil
	default:
		return nil, fmt.Errorf("log format: %q is neither %s nor %s", format, FormatText, FormatJSON)
	}
}
