package llm

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/jobrunner-dev/jobrunner/internal/safedial"
	"github.com/jobrunner-dev/jobrunner/internal/wildcard"
	"github.com/jobrunner-dev/jobrunner/internal/worker/core/connection"
	"github.com/jobrunner-dev/jobrunner/internal/worker/core/secret"
)

// Connection is a model endpoint that jobs may use by its name.
type Connection struct {
	Name string

	dialect  dialect
	endpoint *url.URL
	models   []string
	key      func() (string, error) // nil without one
	client   *http.Client
}

// Connections are the model endpoints that jobs may use.
type Connections = connection.Set[*Connection]

// ParseConnections reads connections of the form NAME=URL, where the URL is the
// endpoint's base address behind the format it speaks:
//
//	openai+https://api.openai.com/v1?secret=openai&model=gpt-5-mini&model=gpt-5*
//	ollama+http://127.0.0.1:11434?model=llama3.2
//
// with the parameters
//
//	secret=NAME    the secret that is the key; it is sent over https only, or to
//	               this machine
//	model=NAME     a model that jobs may use, or a pattern with *; the first plain
//	               one is the default; without any, jobs may use all
//	tokens=FIELD   for openai: what the endpoint calls the largest answer, if not
//	               max_tokens
//
// The operator named the host, so it may be a private one; redirects are not
// followed.
func ParseConnections(specs []string, secrets *secret.Store) (*Connections, error) {
	return connection.Parse("model", "llm-connection", specs, func(name, target string) (*Connection, error) {
		return parseConnection(name, target, secrets)
	})
}

func parseConnection(name, target string, secrets *secret.Store) (*Connection, error) {
	u, err := url.Parse(target)
	if err != nil || u.Hostname() == "" || u.User != nil {
		return nil, errors.New("its URL is not of the form openai+https://HOST/PATH or ollama+http://HOST:PORT; a key comes from a secret")
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, errors.New("its URL's parameters cannot be read")
	}
	c := &Connection{Name: name}
	format, scheme, _ := strings.Cut(u.Scheme, "+")
	if scheme != "http" && scheme != "https" {
		return nil, fmt.Errorf("its URL begins with %q, want openai+https, openai+http, ollama+https or ollama+http", u.Scheme)
	}
	tokens := "max_tokens"
	for parameter, values := range query {
		switch {
		case parameter == "secret":
			if err := c.setKey(values[0], scheme, u.Hostname(), secrets); err != nil {
				return nil, err
			}
		case parameter == "model":
			c.models = values
		case parameter == "tokens" && format == "openai":
			tokens = values[0]
		default:
			return nil, fmt.Errorf("parameter %q is not known", parameter)
		}
	}
	switch format {
	case "openai":
		c.dialect = openAI{tokensField: tokens}
	case "ollama":
		c.dialect = ollama{}
	default:
		return nil, fmt.Errorf("its URL begins with %q, want openai+ or ollama+", u.Scheme)
	}
	c.endpoint = (&url.URL{Scheme: scheme, Host: u.Host, Path: strings.TrimSuffix(u.Path, "/")}).JoinPath(c.dialect.path())
	transport := safedial.New(safedial.Options{AllowHosts: []string{u.Hostname()}}).Transport()
	transport.DisableKeepAlives = true // an answer takes so much longer than a connection
	c.client = &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c, nil
}

func (c *Connection) setKey(name, scheme, host string, secrets *secret.Store) error {
	if scheme != "https" && !connection.IsLoopback(host) {
		return errors.New("its key would not be encrypted; use https")
	}
	if _, err := secrets.Value(name); err != nil {
		return err
	}
	c.key = func() (string, error) { return secrets.Value(name) }
	return nil
}

// model returns the model that a job may use, or the connection's own.
func (c *Connection) model(name string) (string, error) {
	if name == "" {
		for _, model := range c.models {
			if !wildcard.Is(model) {
				return model, nil
			}
		}
		return "", fmt.Errorf("model is required, for connection %q has none of its own", c.Name)
	}
	if len(c.models) > 0 && !wildcard.Any(c.models, name) {
		return "", fmt.Errorf("connection %q does not offer model %q; it does: %s", c.Name, name, strings.Join(c.models, ", "))
	}
	return name, nil
}
