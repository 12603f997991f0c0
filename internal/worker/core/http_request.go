package core

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/handler"
	"github.com/jobrunner-dev/jobrunner/internal/safedial"
)

// maxRequestTimeout bounds one exchange, whatever the job asks for.
const maxRequestTimeout = 10 * time.Minute

// requestData is what an http-request job asks for.
type requestData struct {
	URL       string            `json:"url" jsonschema:"title=URL,description=http or https address of a public host,format=uri,minLength=1"`
	Method    string            `json:"method,omitempty" jsonschema:"title=Method,enum=GET,enum=HEAD,enum=POST,enum=PUT,enum=PATCH,enum=DELETE,enum=OPTIONS,default=GET"`
	Headers   map[string]string `json:"headers,omitempty" jsonschema:"title=Headers,description=Header fields by name"`
	Body      json.RawMessage   `json:"body,omitempty" jsonschema:"title=Body,description=Text is sent as it is; any other value as JSON"`
	TimeoutMS int64             `json:"timeoutMs,omitempty" jsonschema:"title=Timeout,description=How long the exchange may take in milliseconds,minimum=1,maximum=600000,default=30000"`
	AnyStatus bool              `json:"anyStatus,omitempty" jsonschema:"title=Accept any status,description=Complete the job whatever status the server answers; otherwise 400 and above fail it"`
}

type requestResult struct {
	Status     int               `json:"status"`
	Headers    map[string]string `json:"headers"`
	Body       any               `json:"body"`
	Encoding   string            `json:"encoding" jsonschema:"enum=json,enum=text,enum=base64"`
	DurationMS int64             `json:"durationMs"`
	URL        string            `json:"url"`
}

// StatusError says that a server answered with a status that fails the job.
type StatusError struct {
	Status int
	// Body is the beginning of what the server sent.
	Body string
}

func (e *StatusError) Error() string {
	text := fmt.Sprintf("the server answered %d %s", e.Status, http.StatusText(e.Status))
	if e.Body != "" {
		text += ": " + e.Body
	}
	return text
}

type requester struct {
	dialer   *safedial.Dialer
	client   *http.Client
	maxBytes int64
}

// httpRequestHandler sends one HTTP request to an address that the dialer allows.
func httpRequestHandler(dialer *safedial.Dialer, maxBytes int64) (*handler.Definition, error) {
	client := dialer.Client(maxRequestTimeout)
	if transport, ok := client.Transport.(*http.Transport); ok {
		transport.DisableKeepAlives = true // jobs go to many hosts; idle connections would pile up
	}
	r := &requester{dialer: dialer, client: client, maxBytes: maxBytes}
	return handler.New("http-request", r.run, describe("Sends an HTTP request and returns the response"))
}

func (r *requester) run(ctx handler.Context, in requestData) (*requestResult, error) {
	timeout := 30 * time.Second
	if in.TimeoutMS > 0 {
		timeout = min(time.Duration(in.TimeoutMS)*time.Millisecond, maxRequestTimeout)
	}
	bounded, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("no complete response within %s", timeout))
	defer cancel()
	req, err := r.request(bounded, in)
	if err != nil {
		return nil, bullmq.Unrecoverable(err)
	}
	began := time.Now()
	ctx.Logf("%s %s", req.Method, req.URL.Redacted())
	resp, err := r.client.Do(req)
	if err != nil {
		return nil, requestError(bounded, err)
	}
	defer func() { _ = resp.Body.Close() }() // what matters of it was read
	body, err := readBounded(resp.Body, r.maxBytes)
	if err != nil {
		return nil, requestError(bounded, err)
	}
	ctx.Logf("%d %s, %d bytes", resp.StatusCode, http.StatusText(resp.StatusCode), len(body))
	if resp.StatusCode >= 400 && !in.AnyStatus {
		return nil, statusError(resp.StatusCode, body)
	}
	result := &requestResult{
		Status: resp.StatusCode, Headers: flatten(resp.Header), URL: resp.Request.URL.Redacted(),
		DurationMS: time.Since(began).Milliseconds(),
	}
	result.Body, result.Encoding = present(body, resp.Header.Get("Content-Type"))
	return result, nil
}

func (r *requester) request(ctx context.Context, in requestData) (*http.Request, error) {
	u, err := url.Parse(in.URL)
	if err != nil {
		return nil, fmt.Errorf("url: %w", err)
	}
	if err := r.dialer.CheckURL(u); err != nil {
		return nil, fmt.Errorf("url: %w", err)
	}
	body, contentType, err := requestBody(in.Body)
	if err != nil {
		return nil, err
	}
	method := in.Method
	if method == "" {
		method = http.MethodGet
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", "JobRunner")
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	for name, value := range in.Headers {
		if strings.EqualFold(name, "Host") {
			req.Host = value
			continue
		}
		req.Header.Set(name, value)
	}
	return req, nil
}

func requestBody(raw json.RawMessage) (io.Reader, string, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return http.NoBody, "", nil
	}
	if raw[0] != '"' {
		return strings.NewReader(string(raw)), "application/json", nil
	}
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return nil, "", fmt.Errorf("body: %w", err)
	}
	return strings.NewReader(text), "text/plain; charset=utf-8", nil
}

// requestError tells a refusal, which no retry helps, from a failure.
func requestError(ctx context.Context, err error) error {
	var tooLarge *tooLargeError
	switch {
	case errors.Is(err, safedial.ErrBlocked), errors.As(err, &tooLarge):
		return bullmq.Unrecoverable(err)
	case ctx.Err() != nil:
		return context.Cause(ctx)
	default:
		return err
	}
}

// statusError fails the attempt; a client's mistake fails the job for good.
func statusError(status int, body []byte) error {
	const shown = 500
	text := strings.ToValidUTF8(string(body[:min(len(body), shown)]), "\uFFFD")
	err := &StatusError{Status: status, Body: strings.TrimSpace(text)}
	retryable := status >= 500 || status == http.StatusTooManyRequests || status == http.StatusRequestTimeout
	if !retryable {
		return bullmq.Unrecoverable(err)
	}
	return err
}

// present gives a body the form that reads best in a result.
func present(body []byte, contentType string) (any, string) {
	media, _, _ := mime.ParseMediaType(contentType)
	if (media == "application/json" || strings.HasSuffix(media, "+json")) && json.Valid(body) {
		return json.RawMessage(body), "json"
	}
	if utf8.Valid(body) {
		return string(body), "text"
	}
	return base64.StdEncoding.EncodeToString(body), "base64"
}

func flatten(header http.Header) map[string]string {
	flat := make(map[string]string, len(header))
	for name := range maps.Keys(header) {
		flat[strings.ToLower(name)] = strings.Join(header.Values(name), ", ")
	}
	return flat
}

// tooLargeError says that a response is larger than the worker takes in.
type tooLargeError struct{ limit int64 }

func (e *tooLargeError) Error() string {
	return fmt.Sprintf("the response has more than the %d bytes allowed", e.limit)
}

func readBounded(r io.Reader, limit int64) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(body)) > limit {
		return nil, &tooLargeError{limit}
	}
	return body, nil
}
