package httprequest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/htmlindex"
)

// tooLargeError says that a response is larger than is taken in.
type tooLargeError struct{ limit int64 }

func (e *tooLargeError) Error() string {
	return fmt.Sprintf("the response has more than the %d bytes allowed", e.limit)
}

func readBounded(r io.Reader, limit int64) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(body)) > limit {
		return nil, &tooLargeError{limit}
	}
	return body, nil
}

// present gives a body the form that reads best in a result.
func present(body []byte, contentType string) (value any, encoding string) {
	media, parameters, _ := mime.ParseMediaType(contentType)
	if (media == "application/json" || strings.HasSuffix(media, "+json")) && json.Valid(body) {
		return json.RawMessage(body), "json"
	}
	if text, ok := decodeText(body, parameters["charset"]); ok {
		return text, "text"
	}
	return base64.StdEncoding.EncodeToString(body), "base64"
}

// decodeText turns a body in a known character set into text.
func decodeText(body []byte, charset string) (string, bool) {
	if utf8.Valid(body) {
		return string(body), true
	}
	if charset == "" {
		return "", false
	}
	set, err := htmlindex.Get(charset)
	if err != nil {
		return "", false
	}
	text, err := set.NewDecoder().Bytes(body)
	return string(text), err == nil
}

func flatten(header http.Header) map[string]string {
	flat := make(map[string]string, len(header))
	for name := range maps.Keys(header) {
		flat[strings.ToLower(name)] = strings.ToValidUTF8(strings.Join(header.Values(name), ", "), "\uFFFD")
	}
	return flat
}
