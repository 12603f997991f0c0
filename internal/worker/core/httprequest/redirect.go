package httprequest

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/jobrunner-dev/jobrunner/internal/safedial"
)

// errRedirects says that a server redirects more often than the job allows.
var errRedirects = errors.New("too many redirects")

// harmless are the headers that may follow a redirect to another host. All
// others stay behind, for any of them may be a credential.
var harmless = map[string]bool{
	"Accept": true, "Accept-Encoding": true, "Accept-Language": true, "Content-Type": true, "User-Agent": true,
}

// checkRedirect judges each redirect as the first address was judged.
func (p *plan) checkRedirect(dialer *safedial.Dialer) func(*http.Request, []*http.Request) error {
	return func(req *http.Request, via []*http.Request) error {
		if p.redirects == 0 {
			return http.ErrUseLastResponse
		}
		if len(via) > p.redirects {
			return errRedirects
		}
		if err := dialer.CheckRedirect(req, via); err != nil {
			return err
		}
		strayed := !sameOrigin(via[0].URL, req.URL)
		for _, earlier := range via {
			strayed = strayed || !sameOrigin(via[0].URL, earlier.URL)
		}
		if strayed {
			for name := range req.Header {
				if !harmless[name] {
					req.Header.Del(name)
				}
			}
			req.Host = ""
		}
		return nil
	}
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

// redirectError names the redirect's limit.
func (p *plan) redirectError() error {
	return fmt.Errorf("%w: more than %d", errRedirects, p.redirects)
}
