package safedial

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"time"
)

// MaxRedirects is how many redirects a client of [Dialer.Client] follows.
const MaxRedirects = 5

// Transport returns an HTTP transport that connects through d. It uses no proxy,
// for a proxy would resolve and reach the address in our place.
func (d *Dialer) Transport() *http.Transport {
	return &http.Transport{
		DialContext:            d.DialContext,
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           100,
		MaxIdleConnsPerHost:    4,
		IdleConnTimeout:        60 * time.Second,
		TLSHandshakeTimeout:    10 * time.Second,
		ExpectContinueTimeout:  time.Second,
		MaxResponseHeaderBytes: 64 << 10,
	}
}

// Client returns an HTTP client over [Dialer.Transport] which gives a whole
// exchange, redirects and body included, that much time. It follows at most
// [MaxRedirects] redirects, each to a URL that [Dialer.CheckURL] accepts, and
// none from https to http.
func (d *Dialer) Client(timeout time.Duration) *http.Client {
	return &http.Client{Transport: d.Transport(), Timeout: timeout, CheckRedirect: d.checkRedirect}
}

// CheckURL refuses URLs that could never be reached: those that are not http or
// https, carry a user name, or name a refused address in digits. A host name is
// accepted here and judged when it is connected to.
func (d *Dialer) CheckURL(u *url.URL) error {
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("scheme %q, want http or https: %w", u.Scheme, ErrBlocked)
	case u.Hostname() == "":
		return fmt.Errorf("URL without a host: %w", ErrBlocked)
	case u.User != nil:
		return fmt.Errorf("URL with a user name: %w", ErrBlocked)
	}
	if d.allowsHost(u.Hostname()) {
		return nil
	}
	if addr, err := netip.ParseAddr(u.Hostname()); err == nil && !d.Allows(addr) {
		return blocked(addr)
	}
	return nil
}

func (d *Dialer) checkRedirect(req *http.Request, via []*http.Request) error {
	if len(via) > MaxRedirects {
		return errors.New("too many redirects")
	}
	return d.CheckRedirect(req, via)
}

// CheckRedirect refuses a redirect to a URL that [Dialer.CheckURL] does not
// accept, and one from https to http. For clients that count redirects themselves.
func (d *Dialer) CheckRedirect(req *http.Request, via []*http.Request) error {
	if via[len(via)-1].URL.Scheme == "https" && req.URL.Scheme == "http" {
		return fmt.Errorf("redirect from https to http: %w", ErrBlocked)
	}
	return d.CheckURL(req.URL)
}

// harmless are the headers that may follow a redirect to another host. All
// others may be credentials.
var harmless = map[string]bool{
	"Accept": true, "Accept-Encoding": true, "Accept-Language": true, "Content-Type": true, "User-Agent": true,
}

// DropCredentials takes from a redirected request every header that could be a
// credential, once a redirect has led away from the first request's scheme, host
// or port. [net/http] does that only for the headers it knows, and not towards
// subdomains.
func DropCredentials(req *http.Request, via []*http.Request) {
	first := via[0].URL
	strayed := !sameOrigin(first, req.URL)
	for _, earlier := range via {
		strayed = strayed || !sameOrigin(first, earlier.URL)
	}
	if !strayed {
		return
	}
	for name := range req.Header {
		if !harmless[name] {
			req.Header.Del(name)
		}
	}
	req.Host = ""
}

func sameOrigin(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && a.Hostname() == b.Hostname() && portOf(a) == portOf(b)
}

func portOf(u *url.URL) string {
	if port := u.Port(); port != "" {
		return port
	}
	return map[string]string{"http": "80", "https": "443"}[u.Scheme]
}
