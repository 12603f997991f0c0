// Package llm holds the core handler llm: it asks a language model over an
// OpenAI-compatible or an Ollama endpoint.
//
// Endpoints are connections that the worker's configuration names, with the
// models that jobs may use, so that jobs hold no keys. The answer is streamed:
// it appears in the job's log as it is written, and a cancelled job closes the
// stream. With a JSON Schema the answer is a JSON value that was checked here,
// whatever the server promises; a model that misses the schema is told what was
// wrong and asked again, a bounded number of times.
package llm
