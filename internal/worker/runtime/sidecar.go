package runtime

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/jobrunner-dev/jobrunner/internal/catalogue"
)

// Ways to speak with a program.
const (
	// protocolPlain programs run once for each job: its JSON on stdin, its result
	// on stdout.
	protocolPlain = "plain"
	// protocolLines programs stay, and speak the protocol of this package.
	protocolLines = "lines"
)

// sidecarEnding is what the name of the file ends with that describes a program:
// thumbnail.handler.json for thumbnail or thumbnail.sh.
const sidecarEnding = ".handler.json"

// maxSidecar bounds a sidecar's size, in bytes.
const maxSidecar = 1 << 20

// sidecar describes a program, which cannot do so itself.
type sidecar struct {
	// Name defaults to the program's file name without its ending.
	Name         string              `json:"name"`
	Version      string              `json:"version"`
	Description  string              `json:"description"`
	Author       string              `json:"author"`
	Schema       json.RawMessage     `json:"schema"`
	ResultSchema json.RawMessage     `json:"resultSchema"`
	Defaults     *catalogue.Defaults `json:"defaults"`
	// Protocol is "plain" or "lines". Defaults to "plain".
	Protocol string `json:"protocol"`
}

// readSidecar reads the file beside the program. Without one all has its default.
func (b *build) readSidecar() (sidecar, error) {
	path := filepath.Join(filepath.Dir(b.module.Path), stem(b.module.Path)+sidecarEnding)
	b.inputs = append(b.inputs, path) // even if it is not there: it may come
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return sidecar{Protocol: protocolPlain}, nil
	}
	if err == nil && len(text) > maxSidecar {
		err = fmt.Errorf("it has more than %d bytes", maxSidecar)
	}
	var card sidecar
	if err == nil {
		card, err = parseSidecar(text)
	}
	if err != nil {
		failed := &catalogue.LoadError{Message: fmt.Sprintf("%s: %v", filepath.Base(path), err), File: path}
		failed.Line, failed.Column = placeOf(err, text)
		return sidecar{}, failed
	}
	return card, nil
}

func parseSidecar(text []byte) (card sidecar, err error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&card); err != nil {
		return card, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return card, errors.New("more follows behind the description")
	}
	switch card.Protocol {
	case "":
		card.Protocol = protocolPlain
	case protocolPlain, protocolLines:
	default:
		return card, fmt.Errorf("protocol is %q, want %q or %q", card.Protocol, protocolPlain, protocolLines)
	}
	if only := (sidecar{Protocol: protocolLines}); card.Protocol == protocolLines && !card.equal(only) {
		return card, fmt.Errorf("a program that speaks the protocol describes its handlers itself; only \"protocol\" may stand here")
	}
	return card, nil
}

func (c sidecar) equal(d sidecar) bool {
	return c.Name == d.Name && c.Version == d.Version && c.Description == d.Description && c.Author == d.Author &&
		c.Schema == nil && d.Schema == nil && c.ResultSchema == nil && d.ResultSchema == nil && c.Defaults == d.Defaults
}

// placeOf finds the line and column of a JSON error, both 0 if it tells none.
func placeOf(err error, text []byte) (line, column int) {
	var offset int64
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		offset = syntax.Offset
	} else if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		offset = wrong.Offset
	}
	if offset == 0 || offset > int64(len(text)) {
		return 0, 0
	}
	before := text[:offset]
	return bytes.Count(before, []byte("\n")) + 1, int(offset) - bytes.LastIndexByte(before, '\n') - 1
}

// describe is the description in the form that modules give theirs.
func (c sidecar) describe(fallbackName string) *description {
	d := Described{
		Name: c.Name, Version: c.Version, Description: c.Description, Author: c.Author,
		DataSchema: c.Schema, ResultSchema: c.ResultSchema, Defaults: c.Defaults,
	}
	if strings.TrimSpace(d.Name) == "" {
		d.Name = fallbackName
	}
	if d.Version == "" {
		d.Version = "0.0.0"
	}
	return &description{Protocol: protocolVersion, Handlers: []Described{d}}
}
