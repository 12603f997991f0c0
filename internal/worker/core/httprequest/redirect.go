package httprequest

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/jobrunner-dev/jobrunner/internal/safedial"
)

// errRedirects says that a server redirects more often than the job allows.
var errRedirects = errors.New("too many redirects")

// checkRedirect judges each redirect as the first address was judged, and lets
// credentials stay with the first host.
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
		safedial.DropCredentials(req, via)
		return nil
	}
}

// redirectError names the redirect's limit.
func (p *plan) redirectError() error {
	return fmt.Errorf("%w: more than %d", errRedirects, p.redirects)
}
