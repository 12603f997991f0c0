package llm

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/safedial"
	"github.com/jobrunner-dev/jobrunner/internal/worker/core/retry"
)

// answer is what a model said.
type answer struct {
	text   string
	model  string
	finish string
	usage  Usage
}

// errCutOff says that a stream ended before the answer did.
var errCutOff = errors.New("the endpoint's stream ended before the answer did")

// ask sends the question once and reads the answer as it is written. Ending ctx
// closes the stream, at which endpoints stop writing.
func (c *Connection) ask(ctx context.Context, q question, timeout time.Duration, limit int, show *live) (*answer, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("no complete answer within %s", timeout))
	defer cancel()
	req, err := c.request(ctx, q)
	if err != nil {
		return nil, bullmq.Unrecoverable(err)
	}
	resp, err := c.client.Do(req)
	if err != nil {
		return nil, c.failure(ctx, err)
	}
	defer func() { _ = resp.Body.Close() }() // what matters of it was read
	if resp.StatusCode != http.StatusOK {
		return nil, refusal(resp)
	}
	a, err := c.read(resp, limit, show)
	if err != nil {
		return nil, c.failure(ctx, err)
	}
	a.model = cmp.Or(a.model, q.model)
	return a, nil
}

func (c *Connection) request(ctx context.Context, q question) (*http.Request, error) {
	body, err := json.Marshal(c.dialect.body(q))
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.endpoint.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "text/event-stream, application/x-ndjson, application/json")
	req.Header.Set("User-Agent", "JobRunner")
	if c.key != nil {
		key, err := c.key()
		if err != nil {
			return nil, err
		}
		req.Header.Set("Authorization", "Bearer "+key)
	}
	return req, nil
}

// read puts the events of the answer together.
func (c *Connection) read(resp *http.Response, limit int, show *live) (*answer, error) {
	next := c.dialect.events(resp.Body)
	if media, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); media == "application/json" {
		next = whole(resp.Body)
	}
	a := &answer{}
	var text strings.Builder
	for {
		event, err := next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		p, err := c.dialect.parse(event)
		if err != nil {
			return nil, err
		}
		if text.Len()+len(p.text) > limit {
			return nil, &tooLongError{limit}
		}
		_, _ = text.WriteString(p.text)
		if p.text != "" {
			show.add(p.text)
		}
		a.model, a.finish = cmp.Or(p.model, a.model), cmp.Or(p.finish, a.finish)
		if p.usage != nil {
			a.usage = *p.usage
		}
		if p.done {
			a.finish = cmp.Or(a.finish, "stop")
			break
		}
	}
	if a.finish == "" {
		return nil, errCutOff
	}
	a.text = text.String()
	return a, nil
}

// whole is the single event of an endpoint that does not stream.
func whole(r io.Reader) func() ([]byte, error) {
	read := false
	return func() ([]byte, error) {
		if read {
			return nil, io.EOF
		}
		read = true
		text, err := io.ReadAll(io.LimitReader(r, 8*maxEvent))
		return bytes.TrimSpace(text), err
	}
}

// tooLongError says that an answer is longer than a result may be.
type tooLongError struct{ limit int }

func (e *tooLongError) Error() string {
	return fmt.Sprintf("the answer has more than the %d bytes allowed; give it a maxTokens", e.limit)
}

// refusal reads why the endpoint did not answer. What is wrong with the question
// stays wrong; a key that is refused, or too many requests, may be mended.
func refusal(resp *http.Response) error {
	// A refusal that breaks off still has a status, which is what counts.
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	const shown = 500
	message := errorMessage(text)
	if message == "" {
		message = strings.TrimSpace(string(text))
	}
	message = strings.ToValidUTF8(message[:min(len(message), shown)], "\uFFFD")
	err := &ServerError{Status: resp.StatusCode, Message: message}
	switch {
	case retry.Temporary(resp.StatusCode):
		return retry.Again(err, retry.After(resp.Header, time.Now()))
	case resp.StatusCode == http.StatusUnauthorized, resp.StatusCode == http.StatusForbidden:
		return err
	default:
		return bullmq.Unrecoverable(err)
	}
}

// failure tells what a further try may mend from what it cannot.
func (c *Connection) failure(ctx context.Context, err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	var long *tooLongError
	switch {
	case errors.Is(err, safedial.ErrBlocked), errors.As(err, &long):
		return bullmq.Unrecoverable(err)
	case ctx.Err() != nil:
		return context.Cause(ctx)
	default:
		return retry.Again(fmt.Errorf("connection %q: %w", c.Name, err), 0)
	}
}
