package webhook

import "encoding/json"

// Data is what a webhook job asks for.
type Data struct {
	URL       string          `json:"url" jsonschema:"title=URL,description=http or https address of the receiver,format=uri,minLength=1,maxLength=8192"`
	Secret    string          `json:"secret" jsonschema:"title=Secret,description=Name of a secret of the worker (whsec_ and base64) whose hosts include this one,minLength=1,maxLength=200"`
	Payload   json.RawMessage `json:"payload" jsonschema:"title=Payload,description=What to send"`
	Type      string          `json:"type,omitempty" jsonschema:"title=Event type,description=Such as invoice.paid: makes the body {type\\, timestamp\\, data} with the payload as data; without it the payload is the body,maxLength=200"`
	ID        string          `json:"id,omitempty" jsonschema:"title=Message id,description=By which the receiver recognizes a repetition; the job has one of its own,pattern=^[A-Za-z0-9_-]{1\\,200}$"`
	TimeoutMS int64           `json:"timeoutMs,omitempty" jsonschema:"title=Timeout,description=How long one exchange may take in milliseconds,minimum=1,maximum=120000,default=15000"`
	Retries   *int            `json:"retries,omitempty" jsonschema:"title=Retries,description=Further tries within an attempt of the job after 408\\, 425\\, 429\\, 5xx and failed connections,minimum=0,maximum=10,default=2"`
}

// Result says how the message was received.
type Result struct {
	ID     string `json:"id" jsonschema:"title=Message id"`
	Status int    `json:"status" jsonschema:"title=Status"`
	// Response is the beginning of what the receiver answered.
	Response   string `json:"response,omitempty" jsonschema:"title=Response,description=The beginning of the receiver's answer"`
	DurationMS int64  `json:"durationMs" jsonschema:"title=Duration,description=Of the last exchange in milliseconds"`
}
