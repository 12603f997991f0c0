package retry

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Temporary reports whether a server that answered so may answer otherwise soon.
func Temporary(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	case http.StatusNotImplemented, http.StatusHTTPVersionNotSupported, http.StatusNetworkAuthenticationRequired:
		return false
	default:
		return status >= 500
	}
}

// After reads how long a response asks to wait, from its Retry-After header: a
// number of seconds or a date. It returns 0 if there is none, or no sense in it.
func After(h http.Header, now time.Time) time.Duration {
	text := strings.TrimSpace(h.Get("Retry-After"))
	if text == "" {
		return 0
	}
	if seconds, err := strconv.ParseFloat(text, 64); err == nil {
		const most = 10 * 365 * 24 * 3600 // keeps the product in range
		if !(seconds > 0) {
			return 0
		}
		return time.Duration(min(seconds, most) * float64(time.Second))
	}
	if date, err := http.ParseTime(text); err == nil {
		return max(date.Sub(now), 0)
	}
	return 0
}
