package llm

import (
	"encoding/json"
	"fmt"
	"io"
)

// ollama is the format of Ollama's chat: one JSON object a line.
type ollama struct{}

func (ollama) path() string { return "api/chat" }

func (ollama) body(q question) any {
	options := map[string]any{}
	if q.temperature != nil {
		options["temperature"] = *q.temperature
	}
	if q.maxTokens > 0 {
		options["num_predict"] = q.maxTokens
	}
	if len(q.stop) > 0 {
		options["stop"] = q.stop
	}
	if q.seed != nil {
		options["seed"] = *q.seed
	}
	body := map[string]any{"model": q.model, "messages": q.messages, "stream": true}
	if len(options) > 0 {
		body["options"] = options
	}
	if q.schema != nil {
		body["format"] = q.schema
	}
	return body
}

func (ollama) events(r io.Reader) func() ([]byte, error) {
	lines := newLines(r)
	return func() ([]byte, error) {
		for {
			line, err := lines.next()
			if err != nil || len(line) > 0 {
				return line, err
			}
		}
	}
}

func (ollama) parse(event []byte) (piece, error) {
	var line struct {
		Model   string `json:"model"`
		Message struct {
			Content string `json:"content"`
		} `json:"message"`
		Done            bool   `json:"done"`
		DoneReason      string `json:"done_reason"`
		PromptEvalCount int64  `json:"prompt_eval_count"`
		EvalCount       int64  `json:"eval_count"`
	}
	if err := json.Unmarshal(event, &line); err != nil {
		return piece{}, fmt.Errorf("the endpoint sent a line that is not Ollama's: %w", err)
	}
	if message := errorMessage(event); message != "" {
		return piece{}, &ServerError{Message: message}
	}
	p := piece{text: line.Message.Content, model: line.Model, done: line.Done}
	if line.Done {
		p.finish = line.DoneReason
		p.usage = &Usage{line.PromptEvalCount, line.EvalCount, line.PromptEvalCount + line.EvalCount}
	}
	return p, nil
}
