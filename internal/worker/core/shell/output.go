package shell

import (
	"bytes"
	"strings"
	"sync/atomic"
)

// maxLine bounds one line in the job's log, in bytes; longer ones go on in the next.
const maxLine = 4 << 10

// output takes one stream of a program: its lines go to the job's log, its
// beginning into the result, and past a limit the program is ended.
type output struct {
	log  func(string)
	keep int
	// budget is what all streams of the program may still write, in bytes; over
	// runs when it is used up.
	budget *atomic.Int64
	over   func()

	kept      bytes.Buffer
	truncated bool
	line      []byte
	last      string // the last line that was not empty
}

// Write implements [io.Writer]. It always takes everything: a program is ended
// by other means than a broken pipe.
func (o *output) Write(p []byte) (int, error) {
	if o.budget.Add(-int64(len(p))) < 0 {
		o.over()
		return len(p), nil
	}
	room := o.keep - o.kept.Len()
	o.kept.Write(p[:min(len(p), room)])
	o.truncated = o.truncated || len(p) > room
	for rest := p; len(rest) > 0; {
		part, after, ended := bytes.Cut(rest, []byte{'\n'})
		rest = after
		for len(o.line)+len(part) > maxLine {
			n := maxLine - len(o.line)
			o.line = append(o.line, part[:n]...)
			part = part[n:]
			o.flush()
		}
		o.line = append(o.line, part...)
		if ended {
			o.flush()
		}
	}
	return len(p), nil
}

func (o *output) flush() {
	text := strings.ToValidUTF8(strings.TrimSuffix(string(o.line), "\r"), "\uFFFD")
	o.line = o.line[:0]
	if strings.TrimSpace(text) != "" {
		o.last = text
		o.log(text)
	}
}

// end flushes a last line without an end.
func (o *output) end() {
	if len(o.line) > 0 {
		o.flush()
	}
}

func (o *output) text() string { return strings.ToValidUTF8(o.kept.String(), "\uFFFD") }
