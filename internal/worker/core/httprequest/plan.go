package httprequest

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"
)

// plan is a job's request, checked, ready to be sent any number of times.
type plan struct {
	method   string
	url      *url.URL
	host     string // the Host header, if it is not the URL's
	header   http.Header
	body     []byte
	expect   []expectation
	timeout  time.Duration
	maxBytes int64
	// redirects is how many are followed.
	redirects int
}

func (r *requester) plan(in Data) (*plan, error) {
	u, err := url.Parse(in.URL)
	if err != nil {
		return nil, errors.New("url: it is not a URL") // the parser's error repeats it
	}
	if err := r.opts.Dialer.CheckURL(u); err != nil {
		return nil, fmt.Errorf("url: %w", err)
	}
	p := &plan{
		method: cmp.Or(in.Method, http.MethodGet), url: u, header: http.Header{"User-Agent": {"JobRunner"}},
		timeout:   min(millis(in.TimeoutMS, defaultTimeout), maxTimeout),
		maxBytes:  min(cmp.Or(in.MaxResponseBytes, r.opts.MaxResponseBytes), r.opts.MaxResponseBytes),
		redirects: *cmp.Or(in.MaxRedirects, new(5)),
	}
	contentType := ""
	if p.body, contentType, err = encodeBody(in.Body, in.BodyType); err != nil {
		return nil, fmt.Errorf("body: %w", err)
	}
	if contentType != "" {
		p.header.Set("Content-Type", contentType)
	}
	if err := p.setHeaders(in.Headers); err != nil {
		return nil, err
	}
	if err := r.authenticate(p, in.Auth); err != nil {
		return nil, fmt.Errorf("auth: %w", err)
	}
	p.expect, err = parseExpectations(in.ExpectStatus)
	return p, err
}

func (p *plan) setHeaders(headers map[string]string) error {
	for name, value := range headers {
		switch {
		case !httpguts.ValidHeaderFieldName(name):
			return fmt.Errorf("headers: %q is not the name of a header field", name)
		case !httpguts.ValidHeaderFieldValue(value):
			return fmt.Errorf("headers: the value of %q has characters that are not allowed", name)
		case strings.EqualFold(name, "Host"):
			p.host = value
		default:
			p.header.Set(name, value)
		}
	}
	return nil
}

// authenticate adds a secret of the worker to the headers.
func (r *requester) authenticate(p *plan, auth *Auth) error {
	if auth == nil {
		return nil
	}
	value, err := r.opts.Secrets.For(auth.Secret, p.url)
	if err != nil {
		return err
	}
	if !httpguts.ValidHeaderFieldValue(value) {
		return fmt.Errorf("secret %q has characters that a header cannot hold", auth.Secret)
	}
	switch auth.Type {
	case "bearer":
		p.header.Set("Authorization", "Bearer "+value)
	case "basic":
		if strings.Contains(auth.Username, ":") {
			return errors.New("a user name cannot contain a colon")
		}
		p.header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(auth.Username+":"+value)))
	case "header":
		if !httpguts.ValidHeaderFieldName(auth.Header) {
			return fmt.Errorf("%q is not the name of a header field", auth.Header)
		}
		p.header.Set(auth.Header, value)
	default:
		return fmt.Errorf("type %q is not known", auth.Type)
	}
	return nil
}

// request makes the request. It sets sent when the server may have seen it.
func (p *plan) request(ctx context.Context, sent *bool) (*http.Request, error) {
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { *sent = true }})
	req, err := http.NewRequestWithContext(ctx, p.method, p.url.String(), bytes.NewReader(p.body))
	if err != nil {
		return nil, err
	}
	req.Header = p.header.Clone()
	req.Host = cmp.Or(p.host, req.Host)
	return req, nil
}

// shown is the URL without what may be secret in it.
func (p *plan) shown() string {
	return (&url.URL{Scheme: p.url.Scheme, Host: p.url.Host, Path: p.url.Path}).String()
}

// repeatable reports whether sending the request twice does what sending it once
// does. A job's author vouches for it by giving the request an idempotency key.
func (p *plan) repeatable() bool {
	switch p.method {
	case http.MethodPost, http.MethodPatch:
		return p.header.Get("Idempotency-Key") != ""
	default:
		return true
	}
}
