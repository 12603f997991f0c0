package llm

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jobrunner-dev/jobrunner/handler"
)

const (
	// maxLine is how many bytes of an answer stand in one line of the log.
	maxLine = 500
	// patience is how long a word waits for the end of its line.
	patience = time.Second
	// progressInterval is how often the answer's length is reported.
	progressInterval = 200 * time.Millisecond
)

// live shows an answer in the job's log while it is written. Tokens are put
// together to lines, which are logged when they end, when they are long, and
// after a while, so that a slow model is seen to work.
type live struct {
	ctx     handler.Context
	quiet   bool
	request int

	pending    string
	characters int
	logged     time.Time
	reported   time.Time
}

func newLive(ctx handler.Context, quiet bool, request int) *live {
	return &live{ctx: ctx, quiet: quiet, request: request, logged: time.Now()}
}

// add takes a part of the answer.
func (l *live) add(text string) {
	l.characters += utf8.RuneCountInString(text)
	if now := time.Now(); now.Sub(l.reported) >= progressInterval {
		l.report()
		l.reported = now
	}
	if l.quiet {
		return
	}
	l.pending += text
	for {
		line, rest, found := strings.Cut(l.pending, "\n")
		if !found {
			break
		}
		l.log(line)
		l.pending = rest
	}
	for len(l.pending) > maxLine {
		l.breakLine(maxLine)
	}
	if l.pending != "" && time.Since(l.logged) >= patience {
		l.breakLine(len(l.pending))
	}
}

// breakLine logs up to limit bytes of a line that goes on, to the end of a word
// if it has one.
func (l *live) breakLine(limit int) {
	end := strings.LastIndexByte(l.pending[:limit], ' ') + 1
	if end == 0 {
		for end = limit; end > 0 && end < len(l.pending) && !utf8.RuneStart(l.pending[end]); end-- {
			continue
		}
	}
	line := l.pending[:end]
	l.pending = l.pending[end:]
	l.log(strings.TrimSuffix(line, " "))
}

func (l *live) log(line string) {
	l.logged = time.Now()
	if line = strings.TrimRight(line, "\r"); line != "" {
		l.ctx.Log(line)
	}
}

// end logs what is left.
func (l *live) end() {
	if l.pending != "" {
		l.log(l.pending)
		l.pending = ""
	}
	l.report()
}

func (l *live) report() { l.ctx.Progress(Progress{Request: l.request, Characters: l.characters}) }
