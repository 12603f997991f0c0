package fanout

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// placeholder is {{item}}, {{items}} or {{index}}, with a path of members or
// positions behind the first two. Other braces are text.
var placeholder = regexp.MustCompile(`\{\{\s*(item|items|index)((?:\.[^.{}\s]+)*)\s*\}\}`)

// template makes children's data.
type template struct {
	data  any // decoded; nil for a template that is the item itself
	given bool
}

func parseTemplate(text json.RawMessage) (template, error) {
	if len(text) == 0 {
		return template{}, nil
	}
	data, err := decode(text)
	return template{data, true}, err
}

// batch is what one child gets.
type batch struct {
	index int
	items []json.RawMessage
	whole bool // of several items by the job's wish, even if it is the last and has one
}

// fill returns the data of a child.
func (t template) fill(b batch) (json.RawMessage, error) {
	if !t.given {
		if !b.whole {
			return b.items[0], nil
		}
		return encode(map[string]any{"items": b.items})
	}
	data, err := b.replace(t.data)
	if err != nil {
		return nil, err
	}
	return encode(data)
}

// replace fills the placeholders in every text of a value.
func (b batch) replace(value any) (any, error) {
	switch value := value.(type) {
	case string:
		return b.text(value)
	case []any:
		list := make([]any, len(value))
		for i, item := range value {
			var err error
			if list[i], err = b.replace(item); err != nil {
				return nil, err
			}
		}
		return list, nil
	case map[string]any:
		object := make(map[string]any, len(value))
		for name, member := range value {
			var err error
			if object[name], err = b.replace(member); err != nil {
				return nil, err
			}
		}
		return object, nil
	default:
		return value, nil
	}
}

// text returns the value of a text that is one placeholder, and otherwise the
// text with the values written into it.
func (b batch) text(text string) (any, error) {
	if m := placeholder.FindStringSubmatch(text); m != nil && m[0] == text {
		return b.value(m[1], m[2])
	}
	var failed error
	filled := placeholder.ReplaceAllStringFunc(text, func(found string) string {
		m := placeholder.FindStringSubmatch(found)
		value, err := b.value(m[1], m[2])
		if err != nil {
			failed = err
			return ""
		}
		if s, ok := value.(string); ok {
			return s
		}
		written, err := encode(value)
		if err != nil {
			failed = err
		}
		return string(written)
	})
	return filled, failed
}

// value finds what a placeholder stands for.
func (b batch) value(name, path string) (any, error) {
	if name == "index" {
		if path != "" {
			return nil, fmt.Errorf("placeholder {{index%s}}: an index has no members", path)
		}
		return b.index, nil
	}
	var value any
	if name == "item" {
		if len(b.items) != 1 || b.whole {
			return nil, fmt.Errorf("placeholder {{item%s}}: with a batch size there are {{items}}", path)
		}
		item, err := decode(b.items[0])
		if err != nil {
			return nil, err
		}
		value = item
	} else {
		list := make([]any, len(b.items))
		for i, text := range b.items {
			item, err := decode(text)
			if err != nil {
				return nil, err
			}
			list[i] = item
		}
		value = list
	}
	for _, step := range strings.Split(path, ".")[1:] {
		next, ok := member(value, step)
		if !ok {
			return nil, fmt.Errorf("placeholder {{%s%s}}: child %d has no %q", name, path, b.index, step)
		}
		value = next
	}
	return value, nil
}

func member(value any, name string) (any, bool) {
	switch value := value.(type) {
	case map[string]any:
		found, ok := value[name]
		return found, ok
	case []any:
		i, err := strconv.Atoi(name)
		if err != nil || i < 0 || i >= len(value) {
			return nil, false
		}
		return value[i], true
	default:
		return nil, false
	}
}

// decode keeps every digit of numbers.
func decode(text json.RawMessage) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var value any
	err := d.Decode(&value)
	return value, err
}

func encode(value any) (json.RawMessage, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(b.Bytes()), nil
}
