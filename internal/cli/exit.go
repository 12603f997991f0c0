package cli

import (
	"errors"
	"fmt"
)

// exitError ends the program with a code of its own.
type exitError struct {
	code int
	// err is what to tell, nil if everything has been said.
	err error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// usage makes err one that ends the program with exitUsage, unless it has a code
// of its own. It is nil for nil.
func usage(err error) error {
	if _, ok := errors.AsType[*exitError](err); ok || err == nil {
		return err
	}
	return &exitError{exitUsage, err}
}
