package llm_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// endpoint is a server that speaks one of the documented formats. What it
// answers is scripted; what it was asked is kept.
type endpoint struct {
	url string

	mu    sync.Mutex
	asked []asked // guarded by mu
}

// asked is a request as the formats have it.
type asked struct {
	path, key string
	body      map[string]any
}

// reply writes the nth answer.
type reply func(w http.ResponseWriter, r *http.Request)

func serve(t *testing.T, replies ...reply) *endpoint {
	t.Helper()
	e := &endpoint{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body map[string]any
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		e.mu.Lock()
		answer := replies[min(len(e.asked), len(replies)-1)]
		e.asked = append(e.asked, asked{r.URL.Path, r.Header.Get("Authorization"), body})
		e.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(server.Close)
	e.url = server.URL
	return e
}

func (e *endpoint) requests() []asked {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]asked{}, e.asked...)
}

// chunk is an event of OpenAI's format with a part of the text.
func chunk(text string) string {
	return fmt.Sprintf(`{"id":"c1","object":"chat.completion.chunk","model":"gpt-test-2026","choices":[{"index":0,"delta":{"content":%s},"finish_reason":null}]}`, quote(text))
}

func quote(text string) string {
	encoded, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return string(encoded)
}

// events streams server-sent events, each at once.
func events(list ...string) reply {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = fmt.Fprint(w, ": keep alive\n\n")
		for _, event := range list {
			_, _ = fmt.Fprintf(w, "data: %s\n\n", event)
			_ = http.NewResponseController(w).Flush()
		}
	}
}

// openAI streams a text word by word as OpenAI does.
func openAI(text, finish string) reply {
	list := []string{`{"model":"gpt-test-2026","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}`}
	for _, word := range strings.SplitAfter(text, " ") {
		list = append(list, chunk(word))
	}
	return events(append(list,
		fmt.Sprintf(`{"model":"gpt-test-2026","choices":[{"index":0,"delta":{},"finish_reason":%q}]}`, finish),
		`{"model":"gpt-test-2026","choices":[],"usage":{"prompt_tokens":7,"completion_tokens":5,"total_tokens":12}}`,
		"[DONE]",
	)...)
}

// ollama streams a text word by word as Ollama does.
func ollama(text string) reply {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/x-ndjson")
		for _, word := range strings.SplitAfter(text, " ") {
			_, _ = fmt.Fprintf(w, `{"model":"llama-test","created_at":"2026-03-01T12:00:00Z","message":{"role":"assistant","content":%s},"done":false}`+"\n", quote(word))
			_ = http.NewResponseController(w).Flush()
		}
		_, _ = fmt.Fprintln(w, `{"model":"llama-test","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop","prompt_eval_count":7,"eval_count":5}`)
	}
}

// refuse answers with a status and a body.
func refuse(status int, body string, headers ...string) reply {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		http.Error(w, body, status)
	}
}
