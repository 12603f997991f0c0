package httprequest

import "encoding/json"

// Data is what an http-request job asks for.
type Data struct {
	URL     string            `json:"url" jsonschema:"title=URL,description=http or https address of a public host,format=uri,minLength=1,maxLength=8192"`
	Method  string            `json:"method,omitempty" jsonschema:"title=Method,enum=GET,enum=HEAD,enum=POST,enum=PUT,enum=PATCH,enum=DELETE,enum=OPTIONS,default=GET"`
	Headers map[string]string `json:"headers,omitempty" jsonschema:"title=Headers,description=Header fields by name; they go to the first host only if a redirect leads elsewhere"`

	Body     json.RawMessage `json:"body,omitempty" jsonschema:"title=Body,description=What to send: any JSON value; text; an object of form fields; or base64\\, as the body type says"`
	BodyType BodyType        `json:"bodyType,omitempty" jsonschema:"title=Body type,description=How to send the body; without it a string is sent as text and anything else as JSON,enum=json,enum=text,enum=form,enum=base64"`

	Auth *Auth `json:"auth,omitempty" jsonschema:"title=Authentication,description=Credentials from the worker's secrets"`

	ExpectStatus []string `json:"expectStatus,omitempty" jsonschema:"title=Expected status,description=Statuses that complete the job such as 200 or 2xx\\, or any; without it all below 400 do,maxItems=50"`
	MaxRedirects *int     `json:"maxRedirects,omitempty" jsonschema:"title=Redirects,description=How many redirects to follow,minimum=0,maximum=10,default=5"`

	TimeoutMS      int64 `json:"timeoutMs,omitempty" jsonschema:"title=Timeout,description=How long one exchange may take in milliseconds,minimum=1,maximum=600000,default=30000"`
	Retries        *int  `json:"retries,omitempty" jsonschema:"title=Retries,description=Further tries within an attempt of the job after 408\\, 425\\, 429\\, 5xx and failed connections,minimum=0,maximum=10,default=2"`
	TotalTimeoutMS int64 `json:"totalTimeoutMs,omitempty" jsonschema:"title=Total timeout,description=How long all tries and the pauses between them may take in milliseconds,minimum=1,maximum=1800000,default=120000"`

	MaxResponseBytes int64 `json:"maxResponseBytes,omitempty" jsonschema:"title=Largest response,description=In bytes; the worker's own limit holds as well,minimum=1"`
}

// BodyType says how a body is sent.
type BodyType string

// The body types.
const (
	JSON   BodyType = "json"
	Text   BodyType = "text"
	Form   BodyType = "form"
	Base64 BodyType = "base64"
)

// Auth says which of the worker's secrets goes along, and how.
type Auth struct {
	Type     string `json:"type" jsonschema:"title=Type,description=bearer and basic use the Authorization header; header uses the one that is named,enum=bearer,enum=basic,enum=header,default=bearer"`
	Secret   string `json:"secret" jsonschema:"title=Secret,description=Name of a secret of the worker whose hosts include this one,minLength=1,maxLength=200"`
	Username string `json:"username,omitempty" jsonschema:"title=User name,description=For basic,maxLength=1000"`
	Header   string `json:"header,omitempty" jsonschema:"title=Header,description=For header: its name such as X-API-Key,maxLength=200"`
}

// Result is the server's response.
type Result struct {
	Status int `json:"status" jsonschema:"title=Status"`
	// Headers has names in lower case; several values of one are joined by commas.
	Headers map[string]string `json:"headers" jsonschema:"title=Headers"`
	// Body is decoded if the response is JSON; see Encoding.
	Body any `json:"body" jsonschema:"title=Body"`
	// Encoding says what Body is: a JSON value, text, or bytes in base64.
	Encoding   string `json:"encoding" jsonschema:"title=Body's form,enum=json,enum=text,enum=base64"`
	DurationMS int64  `json:"durationMs" jsonschema:"title=Duration,description=Of the last exchange in milliseconds"`
	// URL is where the response came from, after redirects.
	URL string `json:"url" jsonschema:"title=URL,description=Where the response came from after redirects"`
	// Tries counts the exchanges within this attempt of the job.
	Tries int `json:"tries" jsonschema:"title=Tries"`
}
