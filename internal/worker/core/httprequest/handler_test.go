package httprequest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/handler"
	"github.com/jobrunner-dev/jobrunner/handler/handlertest"
	"github.com/jobrunner-dev/jobrunner/internal/safedial"
	"github.com/jobrunner-dev/jobrunner/internal/worker/core/coretest"
	"github.com/jobrunner-dev/jobrunner/internal/worker/core/httprequest"
	"github.com/jobrunner-dev/jobrunner/internal/worker/core/secret"
)

func serve(t *testing.T, f http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	return server.URL
}

func secrets(t *testing.T) *secret.Store {
	t.Helper()
	s, err := secret.Parse([]string{"token=env:T?host=127.0.0.1&plain=true", "tls=env:T?host=127.0.0.1", "odd=env:ODD?host=127.0.0.1&plain=true"},
		func(name string) string { return map[string]string{"T": "hush", "ODD": "hush\nX: 1"}[name] })
	require.NoError(t, err)
	return s
}

func define(t *testing.T, change func(*httprequest.Options)) *handler.Definition {
	t.Helper()
	opts := httprequest.Options{Dialer: coretest.Loopback(), Secrets: secrets(t), MaxResponseBytes: 1000}
	if change != nil {
		change(&opts)
	}
	d, err := httprequest.New(opts)
	require.NoError(t, err)
	return d
}

func job(t *testing.T, format string, args ...any) *handlertest.Context {
	t.Helper()
	return coretest.New(t.Context(), "http-request", fmt.Sprintf(format, args...))
}

// seen is what the server got.
type seen struct{ Method, Body, Type, Token, Auth, Host, Query string }

func echoing(t *testing.T) string {
	t.Helper()
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/problem+json")
		_ = json.NewEncoder(w).Encode(seen{
			r.Method, string(body), r.Header.Get("Content-Type"), r.Header.Get("X-Token"), r.Header.Get("Authorization"), r.Host, r.URL.RawQuery,
		})
	})
}

func TestTheServerGetsWhatTheJobSays(t *testing.T) {
	t.Parallel()
	url := echoing(t)
	host := strings.TrimPrefix(url, "http://")
	d := define(t, nil)
	for name, tt := range map[string]struct {
		rest string
		want seen
	}{
		"only an address": {``, seen{Method: "GET"}},
		"JSON and headers": {
			`"method":"POST","body":{"a":1},"headers":{"X-Token":"t","host":"elsewhere"}`,
			seen{Method: "POST", Body: `{"a":1}`, Type: "application/json", Token: "t", Host: "elsewhere"},
		},
		"text":        {`"method":"PUT","body":"text"`, seen{Method: "PUT", Body: "text", Type: "text/plain; charset=utf-8"}},
		"JSON string": {`"method":"PUT","body":"text","bodyType":"json"`, seen{Method: "PUT", Body: `"text"`, Type: "application/json"}},
		"JSON null":   {`"method":"PUT","body":null,"bodyType":"json"`, seen{Method: "PUT", Body: `null`, Type: "application/json"}},
		"no body":     {`"method":"DELETE","body":null`, seen{Method: "DELETE"}},
		"bytes":       {`"method":"POST","body":"AP8=","bodyType":"base64"`, seen{Method: "POST", Body: "\x00\uFFFD", Type: "application/octet-stream"}},
		"a form":      {`"method":"POST","body":{"b":[1,"x y"],"a":true},"bodyType":"form"`, seen{Method: "POST", Body: "a=true&b=1&b=x+y", Type: "application/x-www-form-urlencoded"}},
		"own type":    {`"method":"POST","body":"<a/>","headers":{"content-type":"text/xml"}`, seen{Method: "POST", Body: "<a/>", Type: "text/xml"}},
		"bearer":      {`"auth":{"type":"bearer","secret":"token"}`, seen{Method: "GET", Auth: "Bearer hush"}},
		"basic":       {`"auth":{"type":"basic","secret":"token","username":"me"}`, seen{Method: "GET", Auth: "Basic bWU6aHVzaA=="}},
		"in a header": {`"auth":{"type":"header","secret":"token","header":"X-Token"}`, seen{Method: "GET", Token: "hush"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tt.want.Host == "" {
				tt.want.Host = host
			}
			data := `{"url":"` + url + `"`
			if tt.rest != "" {
				data += "," + tt.rest
			}
			ctx := job(t, "%s}", data)
			result := coretest.Result[struct {
				Status   int
				Body     seen
				Encoding string
				Tries    int
			}](t, d, ctx)
			require.Equal(t, 200, result.Status)
			require.Equal(t, "json", result.Encoding)
			require.Equal(t, 1, result.Tries)
			require.Equal(t, tt.want, result.Body)
			require.NotContains(t, strings.Join(ctx.Logged(), "\n"), "hush")
		})
	}
}

func TestTheBodyComesInTheFormThatReadsBest(t *testing.T) {
	t.Parallel()
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
		_, _ = w.Write(body)
	})
	d := define(t, nil)
	for contentType, tt := range map[string]struct{ base64, body, encoding string }{
		"application/json":              {"WzFd", `[1]`, "json"},
		"application/json;broken":       {"ewo=", `"{\n"`, "text"},
		"text/plain":                    {"w6Q=", `"ä"`, "text"},
		"text/plain;charset=iso-8859-1": {"5A==", `"ä"`, "text"},
		"image/png":                     {"//79", `"//79"`, "base64"},
	} {
		ctx := job(t, `{"url":%q,"method":"POST","body":%q,"bodyType":"base64","headers":{"Content-Type":%q}}`, url, tt.base64, contentType)
		result := coretest.Result[struct {
			Body     json.RawMessage
			Encoding string
		}](t, d, ctx)
		require.Equal(t, tt.encoding, result.Encoding, contentType)
		require.JSONEq(t, tt.body, string(result.Body), contentType)
	}
}

func TestARequestThatCannotSucceedFailsForGood(t *testing.T) {
	t.Parallel()
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/missing":
			http.Error(w, "nothing here", http.StatusNotFound)
		case "/large":
			_, _ = io.WriteString(w, strings.Repeat("x", 1001))
		case "/private":
			http.Redirect(w, r, "http://169.254.169.254/latest?key=hush", http.StatusFound)
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		}
	})
	d := define(t, nil)
	for name, tt := range map[string]struct{ data, want string }{
		"client's mistake":     {`{"url":"` + url + `/missing"}`, "the server answered 404 Not Found: nothing here"},
		"unexpected success":   {`{"url":"` + url + `/","expectStatus":["201","3xx"]}`, "the server answered 200 OK"},
		"too large":            {`{"url":"` + url + `/large"}`, "more than the 1000 bytes allowed"},
		"larger than wanted":   {`{"url":"` + url + `/large","maxResponseBytes":10}`, "more than the 10 bytes allowed"},
		"larger than possible": {`{"url":"` + url + `/large","maxResponseBytes":10000}`, "more than the 1000 bytes allowed"},
		"redirect to private":  {`{"url":"` + url + `/private"}`, "169.254.169.254: address is not allowed"},
		"redirects":            {`{"url":"` + url + `/loop","maxRedirects":3}`, "too many redirects: more than 3"},
		"private address":      {`{"url":"http://10.0.0.1/"}`, "not allowed"},
		"file":                 {`{"url":"file:///etc/passwd"}`, "not allowed"},
		"user name":            {`{"url":"http://me:hush@127.0.0.1/"}`, "URL with a user name"},
		"form of a list":       {`{"url":"` + url + `","body":[1],"bodyType":"form"}`, "an object of form fields"},
		"form of forms":        {`{"url":"` + url + `","body":{"a":{}},"bodyType":"form"}`, `form field "a"`},
		"text of a number":     {`{"url":"` + url + `","body":1,"bodyType":"text"}`, "must be a string"},
		"not base64":           {`{"url":"` + url + `","body":"?","bodyType":"base64"}`, "not base64"},
		"header injection":     {`{"url":"` + url + `","headers":{"X":"a\r\nY: b"}}`, `value of "X"`},
		"header name":          {`{"url":"` + url + `","headers":{"X Y":"a"}}`, `"X Y" is not the name`},
		"status":               {`{"url":"` + url + `","expectStatus":["ok"]}`, `"ok" is neither a status`},
		"unknown secret":       {`{"url":"` + url + `","auth":{"type":"bearer","secret":"x"}}`, `no secret named "x"`},
		"secret without TLS":   {`{"url":"` + url + `","auth":{"type":"bearer","secret":"tls"}}`, "would not be encrypted"},
		"secret elsewhere":     {`{"url":"http://example.com/","auth":{"type":"bearer","secret":"token"}}`, "do not include this one"},
		"secret of two lines":  {`{"url":"` + url + `","auth":{"type":"bearer","secret":"odd"}}`, "characters that a header cannot hold"},
		"colon in a user":      {`{"url":"` + url + `","auth":{"type":"basic","secret":"token","username":"a:b"}}`, "colon"},
		"no header for it":     {`{"url":"` + url + `","auth":{"type":"header","secret":"token"}}`, "not the name of a header"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := job(t, "%s", tt.data)
			_, err := coretest.Run(t, d, ctx)
			coretest.RequireFinal(t, err, true, tt.want)
			require.NotContains(t, err.Error()+strings.Join(ctx.Logged(), ""), "hush")
		})
	}
}

func TestExpectedStatusesCompleteTheJob(t *testing.T) {
	t.Parallel()
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "/elsewhere")
		var status int
		_, _ = fmt.Sscanf(r.URL.Path, "/%d", &status)
		w.WriteHeader(status)
	})
	d := define(t, nil)
	for status, expect := range map[int]string{404: `["2xx","404"]`, 503: `["5xx"]`, 500: `["any"]`, 204: `["2XX"]`} {
		result := coretest.Result[struct{ Status int }](t, d, job(t, `{"url":"%s/%d","expectStatus":%s}`, url, status, expect))
		require.Equal(t, status, result.Status)
	}
	result := coretest.Result[struct {
		Status  int
		Headers map[string]string
	}](t, d, job(t, `{"url":"%s/302","maxRedirects":0}`, url))
	require.Equal(t, 302, result.Status)
	require.Equal(t, "/elsewhere", result.Headers["location"])
}

func TestCredentialsStayWithTheirHost(t *testing.T) {
	t.Parallel()
	other := echoing(t)
	var back string
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/away":
			http.Redirect(w, r, other+"/?from=away", http.StatusTemporaryRedirect)
		case "/near":
			http.Redirect(w, r, "/here", http.StatusFound)
		case "/here":
			_, _ = fmt.Fprintf(w, "%s %s", r.Header.Get("Authorization"), r.Header.Get("X-Token"))
		case "/around":
			http.Redirect(w, r, back, http.StatusFound)
		}
	})
	back = serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Token")+r.Header.Get("Referer") != "" {
			http.Error(w, "it came along", http.StatusTeapot)
			return
		}
		http.Redirect(w, r, url+"/here", http.StatusFound)
	})
	d := define(t, nil)
	const rest = `"headers":{"X-Token":"t","Accept":"a/b"},"auth":{"type":"bearer","secret":"token"}`

	away := coretest.Result[struct{ Body seen }](t, d, job(t, `{"url":"%s/away","method":"POST","body":{"a":1},%s}`, url, rest))
	require.Equal(t, seen{
		Method: "POST", Body: `{"a":1}`, Type: "application/json", Query: "from=away", Host: strings.TrimPrefix(other, "http://"),
	}, away.Body)
	near := coretest.Result[struct{ Body string }](t, d, job(t, `{"url":"%s/near",%s}`, url, rest))
	require.Equal(t, "Bearer hush t", near.Body)
	around := coretest.Result[struct{ Body string }](t, d, job(t, `{"url":"%s/around",%s}`, url, rest))
	require.Equal(t, " ", around.Body, "once away, they do not come back")
}

func TestAnswersThatMayChangeAreAskedForAgain(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		if calls.Add(1)%3 != 0 {
			w.Header().Set("Retry-After", "0.01")
			http.Error(w, "try later", http.StatusTooManyRequests)
		}
	})
	d := define(t, nil)
	result := coretest.Result[struct{ Tries int }](t, d, job(t, `{"url":%q,"method":"POST"}`, url))
	require.Equal(t, 3, result.Tries)

	_, err := coretest.Run(t, d, job(t, `{"url":%q,"retries":1}`, url))
	coretest.RequireFinal(t, err, false, "the server answered 429 Too Many Requests: try later")
	require.EqualValues(t, 5, calls.Load())
	calls.Store(0)
	impatient := define(t, func(o *httprequest.Options) { o.Hold = time.Millisecond })
	_, err = coretest.Run(t, impatient, job(t, `{"url":%q}`, url))
	require.ErrorContains(t, err, "job is delayed for")
	require.EqualValues(t, 1, calls.Load())
}

func TestANameIsJudgedByItsAddress(t *testing.T) {
	t.Parallel()
	d := define(t, func(o *httprequest.Options) { o.Dialer = safedial.New(safedial.Options{}) })
	_, err := coretest.Run(t, d, job(t, `{"url":"http://localhost:1/"}`))
	coretest.RequireFinal(t, err, true, "address is not allowed")
}

func TestABrokenConnectionIsRepeatedIfThatIsSafe(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		connection, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_ = connection.Close()
		}
	})
	d := define(t, nil)
	for rest, want := range map[string]int64{
		`"retries":1`:                 2,
		`"retries":1,"method":"POST"`: 1, // the server may have acted on it
		`"retries":1,"method":"POST","headers":{"Idempotency-Key":"k"}`: 2,
	} {
		calls.Store(0)
		_, err := coretest.Run(t, d, job(t, `{"url":%q,%s}`, url+"?key=hush", rest))
		require.Error(t, err)
		require.False(t, bullmq.IsUnrecoverable(err))
		require.NotContains(t, err.Error(), "hush")
		require.Equal(t, want, calls.Load(), rest)
	}
}

func TestTimeAndCancellationEndTheExchange(t *testing.T) {
	t.Parallel()
	began := make(chan struct{}, 10)
	url := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		began <- struct{}{}
		<-r.Context().Done()
	})
	d := define(t, nil)
	_, err := coretest.Run(t, d, job(t, `{"url":%q,"timeoutMs":30,"retries":1}`, url))
	coretest.RequireFinal(t, err, false, "no complete response within 30ms")
	require.Len(t, began, 2)
	_, err = coretest.Run(t, d, job(t, `{"url":%q,"totalTimeoutMs":30}`, url))
	coretest.RequireFinal(t, err, false, "gave up after 30ms in all")
	for len(began) > 0 {
		<-began
	}

	errStop := errors.New("stop")
	stopped, stop := context.WithCancelCause(t.Context())
	go func() {
		<-began
		stop(errStop)
	}()
	_, err = coretest.Run(t, d, coretest.New(stopped, "http-request", fmt.Sprintf(`{"url":%q}`, url)))
	require.ErrorIs(t, err, errStop)
}
