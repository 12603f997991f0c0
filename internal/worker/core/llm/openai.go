package llm

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
)

// openAI is the format of chat completions: server-sent events that end with [DONE].
type openAI struct {
	// tokensField is what the endpoint calls the largest answer.
	tokensField string
}

func (openAI) path() string { return "chat/completions" }

func (o openAI) body(q question) any {
	body := map[string]any{
		"model": q.model, "messages": q.messages, "stream": true,
		"stream_options": map[string]any{"include_usage": true},
	}
	if q.temperature != nil {
		body["temperature"] = *q.temperature
	}
	if q.maxTokens > 0 {
		body[o.tokensField] = q.maxTokens
	}
	if len(q.stop) > 0 {
		body["stop"] = q.stop
	}
	if q.seed != nil {
		body["seed"] = *q.seed
	}
	if q.schema != nil {
		body["response_format"] = map[string]any{"type": "json_schema", "json_schema": map[string]any{
			"name": "answer", "schema": q.schema, "strict": q.strict,
		}}
	}
	return body
}

func (openAI) events(r io.Reader) func() ([]byte, error) {
	lines := newLines(r)
	return func() ([]byte, error) { return serverSentEvent(lines) }
}

// completion is an event, or a whole answer of an endpoint that does not stream.
type completion struct {
	Model   string `json:"model"`
	Choices []struct {
		Delta        content `json:"delta"`
		Message      content `json:"message"`
		FinishReason string  `json:"finish_reason"`
	} `json:"choices"`
	Usage *struct {
		PromptTokens     int64 `json:"prompt_tokens"`
		CompletionTokens int64 `json:"completion_tokens"`
		TotalTokens      int64 `json:"total_tokens"`
	} `json:"usage"`
	Error json.RawMessage `json:"error"`
}

type content struct {
	Content string `json:"content"`
	Refusal string `json:"refusal"`
}

func (openAI) parse(event []byte) (piece, error) {
	if bytes.Equal(event, []byte("[DONE]")) {
		return piece{done: true}, nil
	}
	var c completion
	if err := json.Unmarshal(event, &c); err != nil {
		return piece{}, fmt.Errorf("the endpoint sent an event that is not a chat completion: %w", err)
	}
	if message := errorMessage(event); message != "" {
		return piece{}, &ServerError{Message: message}
	}
	p := piece{model: c.Model}
	if len(c.Choices) > 0 {
		first := c.Choices[0]
		p.text, p.finish = first.Delta.Content+first.Message.Content, first.FinishReason
		if refusal := first.Delta.Refusal + first.Message.Refusal; refusal != "" {
			p.text += refusal
		}
	}
	if c.Usage != nil {
		p.usage = &Usage{c.Usage.PromptTokens, c.Usage.CompletionTokens, c.Usage.TotalTokens}
	}
	return p, nil
}
