package llm_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/handler"
	"github.com/jobrunner-dev/jobrunner/handler/handlertest"
	"github.com/jobrunner-dev/jobrunner/internal/worker/core/coretest"
	"github.com/jobrunner-dev/jobrunner/internal/worker/core/llm"
	"github.com/jobrunner-dev/jobrunner/internal/worker/core/secret"
)

func define(t *testing.T, opts llm.Options, specs ...string) *handler.Definition {
	t.Helper()
	secrets, err := secret.Parse([]string{"key=env:K"}, func(string) string { return "hush" })
	require.NoError(t, err)
	opts.Connections, err = llm.ParseConnections(specs, secrets)
	require.NoError(t, err)
	d, err := llm.New(opts)
	require.NoError(t, err)
	return d
}

func byOpenAI(e *endpoint) string {
	return "main=openai+" + e.url + "/v1?secret=key&model=gpt-test&model=gpt-4*"
}

func byOllama(e *endpoint) string { return "local=ollama+" + e.url + "?model=llama-test" }

func job(t *testing.T, data string) *handlertest.Context {
	t.Helper()
	return coretest.New(t.Context(), "llm", data)
}

func TestAnOpenAIEndpointIsAskedInItsFormat(t *testing.T) {
	t.Parallel()
	e := serve(t, openAI("Hello there, Ada.\nHow are you?", "stop"))
	ctx := job(t, `{"system":"Be kind.","messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":"Hello"}],
		"prompt":"Greet Ada.","temperature":0,"maxTokens":50,"stop":["END"],"seed":7}`)
	result := coretest.Result[llm.Result](t, define(t, llm.Options{}, byOpenAI(e)), ctx)
	require.Positive(t, result.DurationMS+1)
	result.DurationMS = 0
	require.Equal(t, llm.Result{
		Text: "Hello there, Ada.\nHow are you?", Model: "gpt-test-2026", FinishReason: "stop", Usage: llm.Usage{PromptTokens: 7, CompletionTokens: 5, TotalTokens: 12},
	}, result)

	requests := e.requests()
	require.Len(t, requests, 1)
	require.Equal(t, "/v1/chat/completions", requests[0].path)
	require.Equal(t, "Bearer hush", requests[0].key)
	var want map[string]any
	require.NoError(t, json.Unmarshal([]byte(`{"model":"gpt-test","stream":true,"stream_options":{"include_usage":true},
		"messages":[{"role":"system","content":"Be kind."},{"role":"user","content":"Hi"},{"role":"assistant","content":"Hello"},{"role":"user","content":"Greet Ada."}],
		"temperature":0,"max_tokens":50,"stop":["END"],"seed":7}`), &want))
	require.Empty(t, cmp.Diff(want, requests[0].body))

	require.Equal(t, []string{"asking gpt-test by main", "Hello there, Ada.", "How are you?"}, ctx.Logged())
	reported := ctx.Reported()
	require.JSONEq(t, `{"request":1,"characters":30}`, reported[len(reported)-1])
}

func TestAnOllamaEndpointIsAskedInItsFormat(t *testing.T) {
	t.Parallel()
	e := serve(t, ollama("Hello there"))
	ctx := job(t, `{"prompt":"Hi","temperature":0.5,"maxTokens":50,"stop":["END"],"seed":7,"quiet":true}`)
	result := coretest.Result[llm.Result](t, define(t, llm.Options{}, byOllama(e)), ctx)
	require.Equal(t, "Hello there", result.Text)
	require.Equal(t, "llama-test", result.Model)
	require.Equal(t, llm.Usage{PromptTokens: 7, CompletionTokens: 5, TotalTokens: 12}, result.Usage)

	requests := e.requests()
	require.Equal(t, "/api/chat", requests[0].path)
	require.Empty(t, requests[0].key)
	var want map[string]any
	require.NoError(t, json.Unmarshal([]byte(`{"model":"llama-test","stream":true,"messages":[{"role":"user","content":"Hi"}],
		"options":{"temperature":0.5,"num_predict":50,"stop":["END"],"seed":7}}`), &want))
	require.Empty(t, cmp.Diff(want, requests[0].body))
	require.Equal(t, []string{"asking llama-test by local"}, ctx.Logged(), "quiet")
}

const schema = `{"type":"object","properties":{"age":{"type":"integer"}},"required":["age"],"additionalProperties":false}`

func TestAnAnswerMeetsItsSchemaOrIsRepaired(t *testing.T) {
	t.Parallel()
	e := serve(t, openAI("I think { }", "stop"), openAI("```json\n{\"age\": 36}\n```", "stop"))
	ctx := job(t, `{"prompt":"How old?","schema":`+schema+`,"strict":true}`)
	result := coretest.Result[llm.Result](t, define(t, llm.Options{}, byOpenAI(e)), ctx)
	require.JSONEq(t, `{"age":36}`, string(result.JSON))
	require.Equal(t, 1, result.Repairs)
	require.Equal(t, llm.Usage{PromptTokens: 14, CompletionTokens: 10, TotalTokens: 24}, result.Usage)

	requests := e.requests()
	require.Len(t, requests, 2)
	format, err := json.Marshal(requests[0].body["response_format"])
	require.NoError(t, err)
	require.JSONEq(t, `{"type":"json_schema","json_schema":{"name":"answer","strict":true,"schema":`+schema+`}}`, string(format))
	messages, ok := requests[1].body["messages"].([]any)
	require.True(t, ok)
	require.Len(t, messages, 3)
	require.Contains(t, fmt.Sprint(messages[1]), "I think { }")
	require.Contains(t, fmt.Sprint(messages[2]), "is not valid JSON")
	require.Contains(t, strings.Join(ctx.Logged(), "\n"), "asking again, 1 of 1")

	local := serve(t, ollama(`{"age":"old"}`), ollama(``))
	_, err = coretest.Run(t, define(t, llm.Options{}, byOllama(local)), job(t, `{"prompt":"How old?","schema":`+schema+`}`))
	coretest.RequireFinal(t, err, false, "does not meet the schema: is empty")
	sent, err := json.Marshal(local.requests()[0].body["format"])
	require.NoError(t, err)
	require.JSONEq(t, schema, string(sent))

	_, err = coretest.Run(t, define(t, llm.Options{}, byOllama(local)), job(t, `{"prompt":"How old?","repairs":0,"schema":`+schema+`}`))
	coretest.RequireFinal(t, err, false, "does not meet the schema")
	require.Len(t, local.requests(), 3)

	cut := serve(t, openAI(`{"age":`, "length"))
	_, err = coretest.Run(t, define(t, llm.Options{}, byOpenAI(cut)), job(t, `{"prompt":"How old?","schema":`+schema+`}`))
	coretest.RequireFinal(t, err, true, "cut off at maxTokens")
}

func TestAnEndpointMayNotStream(t *testing.T) {
	t.Parallel()
	e := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprint(w, `{"model":"m","choices":[{"message":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}`)
	})
	result := coretest.Result[llm.Result](t, define(t, llm.Options{}, byOpenAI(e)), job(t, `{"prompt":"Hi"}`))
	require.Equal(t, "Hello", result.Text)
	require.EqualValues(t, 3, result.Usage.TotalTokens)
}

func TestABusyEndpointIsAskedAgain(t *testing.T) {
	t.Parallel()
	e := serve(t,
		refuse(http.StatusTooManyRequests, `{"error":{"message":"slow down"}}`, "Retry-After", "0.01"),
		events(chunk("Hel")), // and the stream ends
		openAI("Hello", "stop"))
	ctx := job(t, `{"prompt":"Hi"}`)
	result := coretest.Result[llm.Result](t, define(t, llm.Options{}, byOpenAI(e)), ctx)
	require.Equal(t, "Hello", result.Text)
	require.Len(t, e.requests(), 3)
	require.Contains(t, strings.Join(ctx.Logged(), "\n"), "the endpoint answered 429: slow down; try 2 of 3")
	require.Contains(t, strings.Join(ctx.Logged(), "\n"), "stream ended before the answer did")

	later := serve(t, refuse(http.StatusServiceUnavailable, "loading", "Retry-After", "3600"))
	_, err := coretest.Run(t, define(t, llm.Options{}, byOllama(later)), job(t, `{"prompt":"Hi"}`))
	require.ErrorContains(t, err, "job is delayed for 1h")
}

func TestAQuestionThatCannotBeAnsweredFailsForGood(t *testing.T) {
	t.Parallel()
	ok := serve(t, openAI(strings.Repeat("long ", 300), "stop"))
	for name, tt := range map[string]struct {
		spec, data, want string
		final            bool
	}{
		"model not offered":   {byOpenAI(ok), `{"prompt":"Hi","model":"other"}`, `does not offer model "other"; it does: gpt-test, gpt-4*`, true},
		"no model":            {"a=ollama+http://h", `{"prompt":"Hi"}`, "model is required", true},
		"no question":         {byOpenAI(ok), `{"system":"x"}`, "there is no question", true},
		"unknown connection":  {byOpenAI(ok), `{"prompt":"Hi","connection":"x"}`, `"x" is not configured; there are: main`, true},
		"large question":      {byOpenAI(ok), `{"prompt":"` + strings.Repeat("x", 2000) + `"}`, "more than the 1500 allowed", true},
		"large answer":        {byOpenAI(ok), `{"prompt":"Hi"}`, "more than the 1000 bytes allowed", true},
		"no schema":           {byOpenAI(ok), `{"prompt":"Hi","schema":{"type":"x"}}`, "schema is not valid", true},
		"schema elsewhere":    {byOpenAI(ok), `{"prompt":"Hi","schema":{"$ref":"http://example.com/s"}}`, "reference to another document", true},
		"refused":             {byOpenAI(serve(t, refuse(400, `{"error":{"message":"bad stop"}}`))), `{"prompt":"Hi"}`, "the endpoint answered 400: bad stop", true},
		"model missing":       {byOllama(serve(t, refuse(404, `{"error":"model not found"}`))), `{"prompt":"Hi"}`, "the endpoint answered 404: model not found", true},
		"redirect":            {byOllama(serve(t, refuse(302, "", "Location", "http://169.254.169.254/"))), `{"prompt":"Hi"}`, "the endpoint answered 302", true},
		"wrong key":           {byOpenAI(serve(t, refuse(401, `{"error":{"message":"bad key"}}`))), `{"prompt":"Hi"}`, "the endpoint answered 401: bad key", false},
		"error within":        {byOllama(serve(t, rawLines(`{"error":"out of memory"}`))), `{"prompt":"Hi","retries":0}`, "broke the answer off: out of memory", false},
		"error within events": {byOpenAI(serve(t, events(chunk("x"), `{"error":{"message":"overloaded"}}`))), `{"prompt":"Hi","retries":0}`, "broke the answer off: overloaded", false},
		"not the format":      {byOpenAI(serve(t, events(`<html>`))), `{"prompt":"Hi","retries":0}`, "not a chat completion", false},
		"endless event":       {byOpenAI(serve(t, events(strings.Repeat("x", 2<<20)))), `{"prompt":"Hi","retries":0}`, "an event of more than", false},
		"nobody there":        {"a=ollama+http://127.0.0.1:1?model=m", `{"prompt":"Hi","retries":0}`, "connection refused", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := job(t, tt.data)
			_, err := coretest.Run(t, define(t, llm.Options{MaxQuestionBytes: 1500, MaxAnswerBytes: 1000}, tt.spec), ctx)
			coretest.RequireFinal(t, err, tt.final, tt.want)
			require.NotContains(t, err.Error()+strings.Join(ctx.Logged(), ""), "hush")
		})
	}
	_, err := coretest.Run(t, define(t, llm.Options{}), job(t, `{"prompt":"Hi"}`))
	coretest.RequireFinal(t, err, true, `setting "llm-connection"`)
}

// rawLines writes lines as they are.
func rawLines(lines ...string) reply {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/x-ndjson")
		_, _ = fmt.Fprintln(w, strings.Join(lines, "\n"))
	}
}

func TestTimeAndCancellationCloseTheStream(t *testing.T) {
	t.Parallel()
	began, closed := make(chan struct{}, 10), make(chan struct{}, 10)
	endless := func(w http.ResponseWriter, r *http.Request) {
		events(chunk("Hello "))(w, r)
		began <- struct{}{}
		<-r.Context().Done()
		closed <- struct{}{}
	}
	e := serve(t, endless)
	d := define(t, llm.Options{}, byOpenAI(e))
	_, err := coretest.Run(t, d, job(t, `{"prompt":"Hi","timeoutMs":50}`))
	require.EqualError(t, err, "no complete answer within 50ms")
	<-began
	<-closed

	errStop := errors.New("stop")
	stopped, stop := context.WithCancelCause(t.Context())
	ctx := coretest.New(stopped, "llm", `{"prompt":"Hi"}`)
	done := make(chan error, 1)
	go func() {
		_, err := d.Run(ctx)
		done <- err
	}()
	require.Eventually(t, func() bool { return len(ctx.Reported()) > 0 }, 10*time.Second, time.Millisecond)
	stop(errStop)
	require.ErrorIs(t, <-done, errStop)
	<-closed
	require.Contains(t, ctx.Logged(), "Hello ", "what was said stays in the log")
}

func TestLongAnswersBecomeLinesOfTheLog(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("word ", 250) + "\n\n" + strings.Repeat("ä", 700)
	e := serve(t, openAI(text, "stop"))
	ctx := job(t, `{"prompt":"Hi"}`)
	result := coretest.Result[llm.Result](t, define(t, llm.Options{}, byOpenAI(e)), ctx)
	require.Equal(t, text, result.Text)
	lines := ctx.Logged()[1:]
	require.Len(t, lines, 6)
	for _, line := range lines {
		require.LessOrEqual(t, len(line), 500)
		require.NotContains(t, line, "\uFFFD")
	}
}

func TestEndpointsThatCannotBeMeantAreRefused(t *testing.T) {
	t.Parallel()
	for spec, want := range map[string]string{
		"https://key-hush@h":             "must have the form NAME=URL",
		"a=https://h/v1":                 "want openai+https",
		"a=openai://h":                   "want openai+https",
		"a=openai+ftp://h":               "want openai+https",
		"a=gemini+https://h":             "want openai+ or ollama+",
		"a=openai+https://me:hush@h":     "a key comes from a secret",
		"a=openai+https://":              "not of the form",
		"a=openai+https://h?secret=none": `no secret named "none"`,
		"a=openai+http://h?secret=none":  "would not be encrypted",
		"a=ollama+http://h?tokens=x":     `parameter "tokens" is not known`,
		"a=openai+https://h?modell=x":    `parameter "modell" is not known`,
	} {
		_, err := llm.ParseConnections([]string{spec}, nil)
		require.ErrorContains(t, err, want, spec)
		require.NotContains(t, err.Error(), "hush")
	}
	e := serve(t, openAI("x", "stop"))
	d := define(t, llm.Options{}, "a=openai+"+e.url+"?tokens=max_completion_tokens")
	_, err := coretest.Run(t, d, job(t, `{"prompt":"Hi","model":"any","maxTokens":9}`))
	require.NoError(t, err)
	require.InDelta(t, 9, e.requests()[0].body["max_completion_tokens"], 0)
}
