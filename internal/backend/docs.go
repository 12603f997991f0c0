package backend

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"html/template"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-chi/chi/v5"
)

//go:embed docs.html
var docsPage string

//go:embed docs.css
var docsStyle []byte

// docsGroup is the operations of one resource, as the page shows them.
type docsGroup struct {
	Name       string
	Operations []docsOperation
}

type docsOperation struct {
	Method, Path, ID, Summary, Description, Scope string
	Parameters                                    []*huma.Param
	Body, Answer                                  string
}

// mountDocs serves a page about the API that needs nothing from elsewhere, not
// even scripts.
func mountDocs(r chi.Router, doc *huma.OpenAPI) error {
	page, err := template.New("docs").Parse(docsPage)
	if err != nil {
		return err
	}
	schemas := map[string]string{}
	for name, schema := range doc.Components.Schemas.Map() {
		text, err := json.MarshalIndent(schema, "", "  ")
		if err != nil {
			return err
		}
		schemas[name] = string(text)
	}
	var html bytes.Buffer
	err = page.Execute(&html, map[string]any{"Info": doc.Info, "Groups": docsGroups(doc), "Schemas": schemas})
	if err != nil {
		return err
	}
	serve := serveBytes("text/html; charset=utf-8", html.Bytes())
	r.Get("/docs", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; frame-ancestors 'none'")
		serve(w, r)
	})
	r.Get("/docs/style.css", serveBytes("text/css; charset=utf-8", docsStyle))
	return nil
}

func docsGroups(doc *huma.OpenAPI) []docsGroup {
	var groups []docsGroup
	for path, item := range doc.Paths {
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
			if op == nil {
				continue
			}
			i := slices.IndexFunc(groups, func(g docsGroup) bool { return g.Name == op.Tags[0] })
			if i < 0 {
				i = len(groups)
				groups = append(groups, docsGroup{Name: op.Tags[0]})
			}
			groups[i].Operations = append(groups[i].Operations, newDocsOperation(path, op))
		}
	}
	slices.SortFunc(groups, func(a, b docsGroup) int { return strings.Compare(a.Name, b.Name) })
	for _, g := range groups {
		slices.SortFunc(g.Operations, func(a, b docsOperation) int { return strings.Compare(a.Path+a.Method, b.Path+b.Method) })
	}
	return groups
}

func newDocsOperation(path string, op *huma.Operation) docsOperation {
	out := docsOperation{
		Method: op.Method, Path: path, ID: op.OperationID, Summary: op.Summary, Description: op.Description, Parameters: op.Parameters,
	}
	out.Scope, _ = op.Extensions["x-scope"].(string)
	if op.RequestBody != nil {
		out.Body = schemaOf(op.RequestBody.Content)
	}
	for _, status := range []string{"200", "201"} {
		if response := op.Responses[status]; response != nil && out.Answer == "" {
			out.Answer = schemaOf(response.Content)
		}
	}
	return out
}

// schemaOf names the schema of a JSON body, empty if it has none of its own.
func schemaOf(content map[string]*huma.MediaType) string {
	media := content["application/json"]
	if media == nil || media.Schema == nil {
		return ""
	}
	return media.Schema.Ref[strings.LastIndexByte(media.Schema.Ref, '/')+1:]
}

func serveBytes(contentType string, content []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Cache-Control", "no-cache")
		_, _ = w.Write(content) // the client has gone if this fails
	}
}
