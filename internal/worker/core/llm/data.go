package llm

import "encoding/json"

// Data is what an llm job asks for.
type Data struct {
	Connection string `json:"connection,omitempty" jsonschema:"title=Connection,description=Name of a model endpoint of the worker; not needed if there is only one,maxLength=200"`
	Model      string `json:"model,omitempty" jsonschema:"title=Model,description=Such as gpt-5-mini or llama3.2; without it the connection's own,maxLength=200"`

	System   string    `json:"system,omitempty" jsonschema:"title=System,description=How the model is to behave"`
	Prompt   string    `json:"prompt,omitempty" jsonschema:"title=Prompt,description=What the model is asked; follows the messages if there are any"`
	Messages []Message `json:"messages,omitempty" jsonschema:"title=Messages,description=A conversation so far,maxItems=1000"`

	Temperature *float64 `json:"temperature,omitempty" jsonschema:"title=Temperature,description=0 gives the likeliest words; more gives more variety,minimum=0,maximum=2"`
	MaxTokens   int      `json:"maxTokens,omitempty" jsonschema:"title=Largest answer,description=In tokens,minimum=1,maximum=1000000"`
	Stop        []string `json:"stop,omitempty" jsonschema:"title=Stop,description=Texts before which the answer ends,maxItems=4"`
	Seed        *int64   `json:"seed,omitempty" jsonschema:"title=Seed,description=Makes answers repeatable where the model can"`

	Schema  json.RawMessage `json:"schema,omitempty" jsonschema:"title=JSON Schema,description=Makes the answer a JSON value that meets this schema"`
	Strict  bool            `json:"strict,omitempty" jsonschema:"title=Strict schema,description=Lets an OpenAI endpoint enforce the schema; every property must then be required and none additional"`
	Repairs *int            `json:"repairs,omitempty" jsonschema:"title=Repairs,description=How often a model whose answer misses the schema is told so and asked again,minimum=0,maximum=5,default=1"`

	TimeoutMS int64 `json:"timeoutMs,omitempty" jsonschema:"title=Timeout,description=How long one answer may take in milliseconds,minimum=1,maximum=3600000,default=300000"`
	Retries   *int  `json:"retries,omitempty" jsonschema:"title=Retries,description=Further tries within an attempt of the job after 408\\, 429\\, 5xx and broken connections,minimum=0,maximum=10,default=2"`
	Quiet     bool  `json:"quiet,omitempty" jsonschema:"title=Quiet,description=Keep the answer out of the job's log"`
}

// Message is a part of a conversation.
type Message struct {
	Role    string `json:"role" jsonschema:"title=Role,enum=system,enum=user,enum=assistant,default=user"`
	Content string `json:"content" jsonschema:"title=Content"`
}

// Result is the model's answer.
type Result struct {
	Text string `json:"text" jsonschema:"title=Text,description=The answer as the model wrote it"`
	// JSON is the answer's value if the job has a schema.
	JSON         json.RawMessage `json:"json,omitempty" jsonschema:"title=JSON,description=The answer's value if the job has a schema"`
	Model        string          `json:"model" jsonschema:"title=Model,description=The model that answered"`
	FinishReason string          `json:"finishReason,omitempty" jsonschema:"title=Why it ended,description=Such as stop or length"`
	Usage        Usage           `json:"usage" jsonschema:"title=Usage,description=Over all requests of the attempt"`
	Repairs      int             `json:"repairs" jsonschema:"title=Repairs,description=How often the model was asked again because of the schema"`
	DurationMS   int64           `json:"durationMs" jsonschema:"title=Duration,description=In milliseconds"`
}

// Usage counts tokens, as far as the endpoint tells.
type Usage struct {
	PromptTokens     int64 `json:"promptTokens" jsonschema:"title=Tokens read"`
	CompletionTokens int64 `json:"completionTokens" jsonschema:"title=Tokens written"`
	TotalTokens      int64 `json:"totalTokens" jsonschema:"title=Tokens in all"`
}

func (u *Usage) add(more Usage) {
	u.PromptTokens += more.PromptTokens
	u.CompletionTokens += more.CompletionTokens
	u.TotalTokens += more.TotalTokens
}

// Progress is what the handler reports while it runs.
type Progress struct {
	// Request counts the questions of this attempt, repairs included, from 1.
	Request int `json:"request"`
	// Characters is how long the answer is so far.
	Characters int `json:"characters"`
}
