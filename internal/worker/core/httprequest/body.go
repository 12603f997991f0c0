package httprequest

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
)

// encodeBody returns the bytes to send and their content type.
func encodeBody(raw json.RawMessage, kind BodyType) (body []byte, contentType string, err error) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || kind == "" && string(raw) == "null" {
		return nil, "", nil
	}
	if kind == "" {
		kind = JSON
		if raw[0] == '"' {
			kind = Text
		}
	}
	switch kind {
	case JSON:
		return raw, "application/json", nil
	case Text:
		text, err := stringOf(raw)
		return []byte(text), "text/plain; charset=utf-8", err
	case Base64:
		text, err := stringOf(raw)
		if err != nil {
			return nil, "", err
		}
		if body, err = base64.StdEncoding.DecodeString(text); err != nil {
			return nil, "", errors.New("it is not base64")
		}
		return body, "application/octet-stream", nil
	case Form:
		body, err := formOf(raw)
		return body, "application/x-www-form-urlencoded", err
	default:
		return nil, "", fmt.Errorf("type %q is not known", kind)
	}
}

func stringOf(raw json.RawMessage) (string, error) {
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return "", errors.New("it must be a string for this body type")
	}
	return text, nil
}

// formOf encodes an object of fields; a list is a field with several values.
func formOf(raw json.RawMessage) ([]byte, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil {
		return nil, errors.New("it must be an object of form fields for this body type")
	}
	values := url.Values{}
	for name, field := range fields {
		list := []json.RawMessage{field}
		if field[0] == '[' {
			if err := json.Unmarshal(field, &list); err != nil {
				return nil, err
			}
		}
		for _, item := range list {
			text, err := fieldText(item)
			if err != nil {
				return nil, fmt.Errorf("form field %q: %w", name, err)
			}
			values.Add(name, text)
		}
	}
	return []byte(values.Encode()), nil
}

func fieldText(raw json.RawMessage) (string, error) {
	switch raw[0] {
	case '"':
		return stringOf(raw)
	case '{', '[':
		return "", errors.New("a value must be text, a number, true or false")
	default:
		return string(raw), nil
	}
}
