package cli

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/testenv"
	"github.com/jobrunner-dev/jobrunner/internal/worker/core/coretest"
)

const webhookKey = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// world is what the examples of the page on core handlers talk to: one server
// for each kind, all on this machine.
type world struct {
	web, models string
	mail        *coretest.MailServer
	dir         string // where files are exported to, and read from

	mu   sync.Mutex
	seen []string // guarded by mu; requests, as method, path and token
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{mail: coretest.StartMail(t, "none"), dir: t.TempDir()}
	verifier, err := standardwebhooks.NewWebhook(webhookKey)
	require.NoError(t, err)
	mux := http.NewServeMux()
	mux.HandleFunc("/v1/orders/", w.order)
	mux.HandleFunc("/v1/orders", w.order)
	mux.HandleFunc("/in", func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = verifier.Verify(body, r.Header)
		}
		if err != nil {
			http.Error(rw, err.Error(), http.StatusUnauthorized)
		}
	})
	web := httptest.NewServer(mux)
	t.Cleanup(web.Close)
	models := httptest.NewServer(http.HandlerFunc(answer))
	t.Cleanup(models.Close)
	w.web, w.models = web.URL, models.URL
	return w
}

func (w *world) order(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	w.seen = append(w.seen, strings.TrimSpace(r.Method+" "+r.URL.Path+" "+r.Header.Get("Authorization")+r.Header.Get("X-Customer")))
	w.mu.Unlock()
	rw.Header().Set("Content-Type", "application/json")
	rw.WriteHeader(http.StatusCreated)
	_, _ = fmt.Fprintf(rw, `{"path":%q}`, r.URL.Path)
}

func (w *world) requests() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string{}, w.seen...)
}

// answer speaks the formats of both model endpoints.
func answer(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/v1/chat/completions":
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = fmt.Fprint(w, `data: {"choices":[{"delta":{"content":"{\"topic\":\"delivery\"}"},"finish_reason":"stop"}]}`+"\n\ndata: [DONE]\n\n")
	case "/api/chat":
		_, _ = fmt.Fprintln(w, `{"message":{"content":"Jobs wait in a line"},"done":true,"done_reason":"stop"}`)
	default:
		http.NotFound(w, r)
	}
}

// here turns the addresses and paths of the page into those of this machine.
func (w *world) here(t *testing.T, text string) string {
	t.Helper()
	password := filepath.Join(t.TempDir(), "password")
	require.NoError(t, os.WriteFile(password, []byte("hush\n"), 0o600))
	return strings.NewReplacer(
		"https://api.example.com", w.web, "https://hooks.example.com", w.web,
		"?host=api.example.com", "?plain=true&host=127.0.0.1", "?host=hooks.example.com", "?host=127.0.0.1",
		"/run/secrets/mail-password", password,
		"smtp://jobs@mail.example.com?", "smtp://jobs@"+w.mail.Address+"?tls=none&",
		"openai+https://api.openai.com", "openai+"+w.models, "http://127.0.0.1:11434", w.models,
		"postgres://reader:password@db/shop", "sqlite://"+filepath.Join(w.dir, "shop.db"),
		"/var/lib/jobrunner/exports", w.dir,
	).Replace(text)
}

// blocks returns what stands in the page's fences of a language, in order.
func blocks(t *testing.T, language string) []string {
	t.Helper()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "core-handlers.md"))
	require.NoError(t, err)
	var list []string
	for _, m := range regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllStringSubmatch(string(page), -1) {
		list = append(list, m[1])
	}
	return list
}

func TestTheExamplesOfCoreHandlersRunWithTheSettingsBesideThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	makeShop(t, filepath.Join(w.dir, "shop.db"))
	settings := filepath.Join(t.TempDir(), "jobrunner.yaml")
	text := w.here(t, strings.Join(blocks(t, "yaml"), "\n"))
	require.NoError(t, os.WriteFile(settings, []byte(text), 0o600))
	server := testenv.StartRedis(t)
	env := []string{"PATH=" + os.Getenv("PATH"), "ORDERS_TOKEN=hush", "HOOK_SECRET=" + webhookKey, "OPENAI_API_KEY=hush"}
	c := begin(t, env, "worker", "--config", settings, "--redis", server.URL, "--queue", "default=5", "--allow-host", "127.0.0.1")

	queue := openQueue(t, server.URL, "default")
	results := map[string]string{}
	for _, found := range blocks(t, "sh") {
		_, body, isJob := strings.Cut(found, "-d '")
		if !isJob {
			continue
		}
		body, _, _ = strings.Cut(w.here(t, body), "'\n")
		var example struct {
			Name string
			Data json.RawMessage
			Opts *bullmq.JobOptions
		}
		require.NoError(t, json.Unmarshal([]byte(body), &example), body)
		job, err := queue.Add(t.Context(), example.Name, example.Data, example.Opts)
		require.NoError(t, err)
		results[example.Name] += requireResult(t, queue, job, c)
	}
	require.Len(t, results, 10)
	require.Contains(t, results["shell"], "orders.csv")
	require.Contains(t, results["llm"], `"json":{"topic":"delivery"}`)
	require.Contains(t, results["llm"], "Jobs wait in a line")
	require.Contains(t, results["data-export"], `"rows":2`)
	require.Contains(t, results["list-handlers"], `"name":"shell"`)
	require.Equal(t, `{"children":2,"completed":2,"failed":0`, results["fan-out"][:38])
	require.ElementsMatch(t, []string{"POST /v1/orders Bearer hush", "GET /v1/orders/17 ada", "GET /v1/orders/18 grace"}, w.requests())
	letters := w.mail.Letters()
	require.Len(t, letters, 1)
	require.Equal(t, "jobs", letters[0].User)
	require.Contains(t, letters[0].Text, `filename="orders.csv"`)
	require.NotContains(t, c.stderr.String(), "hush")
}

// requireResult waits until the job has completed, and returns its result.
func requireResult(t *testing.T, queue *bullmq.Queue, job *bullmq.Job, c *command) string {
	t.Helper()
	var state bullmq.JobState
	require.Eventually(t, func() bool {
		var err error
		state, err = job.State(t.Context())
		return err == nil && (state == bullmq.StateCompleted || state == bullmq.StateFailed)
	}, poll, tick, "%s has not ended: %s", job.Name, &c.stderr)
	ended, err := queue.Job(t.Context(), job.ID)
	require.NoError(t, err)
	require.Equal(t, bullmq.StateCompleted, state, "%s: %s", job.Name, ended.FailedReason)
	return string(ended.ReturnValue)
}

// makeShop makes a database with three orders.
func makeShop(t *testing.T, path string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	_, err = db.ExecContext(t.Context(), "CREATE TABLE orders (id INTEGER, total TEXT); INSERT INTO orders VALUES (1, '1.00'), (2, '2.00'), (3, '=3')")
	require.NoError(t, err)
	require.NoError(t, db.Close())
}

func TestAHandlerOfOnesOwnTakesTheNameOfAnOmittedOne(t *testing.T) {
	t.Parallel()
	handlers := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(handlers, "mail.mjs"), []byte(
		`export default { name: "send-email", execute: async () => "mine" };`), 0o600))
	server := testenv.StartRedis(t)
	c := begin(t, nil, "worker", "--redis", server.URL, "--queue", "default", "--handlers", handlers, "--cache-dir", t.TempDir(), "--omit-core", "*")
	queue := openQueue(t, server.URL, "default")
	job, err := queue.Add(t.Context(), "send-email", json.RawMessage(`{"to":"ada"}`), nil)
	require.NoError(t, err)
	require.JSONEq(t, `"mine"`, requireResult(t, queue, job, c))
}

func TestConfigShowsNoSecretOfCoreHandlers(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"config"}, {"config", "--json"}} {
		c, code := run(t, []string{
			"ORDERS_TOKEN=hush",
			"JOBRUNNER_SECRET=orders=env:ORDERS_TOKEN?host=api.example.com",
			"JOBRUNNER_SMTP_CONNECTION=main=smtp://me:hush@mail.example.com",
			"JOBRUNNER_SHELL_ENV=TOKEN=hush",
		}, args...)
		require.Equal(t, exitOK, code, c.stderr.String())
		require.Contains(t, c.stdout.String(), "mail.example.com")
		require.NotContains(t, c.stdout.String()+c.stderr.String(), "hush")
	}
}

func TestAWorkerDoesNotStartWithSettingsThatCannotWork(t *testing.T) {
	t.Parallel()
	for setting, want := range map[string]string{
		"--secret=a=env:NONE":                         `secret "a": environment variable NONE is not set`,
		"--smtp-connection=a=smtp://h?secret=none":    `SMTP connection "a": this worker has no secret named "none"`,
		"--llm-connection=a=ollama+http://h?tokens=x": `model connection "a": parameter "tokens" is not known`,
		"--llm-connection=a=gemini+https://h":         "llm-connection",
		"--shell-command=no-such-program":             `shell command "no-such-program"`,
		"--shell-dir=/nowhere/at/all":                 "no such file",
	} {
		server := testenv.RedisURL(t)
		c, code := run(t, nil, "worker", "--redis", server, "--queue", "q", setting)
		require.Equal(t, exitFailed, code, setting)
		require.Contains(t, c.stderr.String(), want)
	}
}
