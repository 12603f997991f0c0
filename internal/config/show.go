package config

import (
	"encoding/json"
	"fmt"
	"net/url"
	"reflect"
	"strings"
)

// masked stands for a value that must not be seen.
const masked = "********"

// Value is one setting as it may be shown.
type Value struct {
	Name string `json:"name"`
	// Value has secrets masked.
	Value  any    `json:"value"`
	Origin string `json:"origin"`
}

// Values lists every setting's value, secrets masked, and its origin.
func (l *Loaded) Values() []Value {
	byName := map[string]any{}
	v := reflect.ValueOf(l.Config)
	for i := range v.NumField() {
		byName[v.Type().Field(i).Tag.Get("koanf")] = v.Field(i).Interface()
	}
	var all []Value
	for _, s := range Settings() {
		all = append(all, Value{Name: s.Name, Value: mask(s.secrecy, byName[s.Name]), Origin: l.Origin(s.Name)})
	}
	if w := l.Worker; len(w.Queues) > 0 || len(w.Handlers) > 0 {
		all = append(all, Value{Name: workerSection, Value: w, Origin: "file " + l.FileName})
	}
	return all
}

// Text writes the value as one would in a flag.
func (v Value) Text() string {
	if list, ok := v.Value.([]string); ok {
		return strings.Join(list, ",")
	}
	if section, ok := v.Value.(Worker); ok {
		text, _ := json.Marshal(section) // texts and numbers
		return string(text)
	}
	return fmt.Sprint(v.Value)
}

func mask(how secrecy, value any) any {
	if list, ok := value.([]string); ok && how != public {
		return maskNamed(list, how)
	}
	text, isText := value.(string)
	switch {
	case how == public || !isText || text == "":
		if d, ok := value.(fmt.Stringer); ok {
			return d.String()
		}
		return value
	case how == secretURL:
		return MaskURL(text)
	default:
		return masked
	}
}

// maskNamed hides the passwords in a list of NAME=URL, or the values in one of
// NAME=VALUE; an item that is a name only has none.
func maskNamed(list []string, how secrecy) []string {
	shown := make([]string, len(list))
	for i, item := range list {
		name, value, found := strings.Cut(item, "=")
		switch {
		case how == secretURL && !found:
			shown[i] = MaskURL(item)
		case how == secretURL:
			shown[i] = name + "=" + MaskURL(value)
		case !found:
			shown[i] = name
		default:
			shown[i] = name + "=" + masked
		}
	}
	return shown
}

// MaskURL hides the password of a URL, in its user part and its parameters.
func MaskURL(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return masked
	}
	if _, has := u.User.Password(); has {
		u.User = url.UserPassword(u.User.Username(), masked)
	}
	query := u.Query()
	for name := range query {
		if strings.Contains(strings.ToLower(name), "password") {
			query.Set(name, masked)
		}
	}
	u.RawQuery = query.Encode()
	// The mask itself is escaped by the URL; it is for people to read.
	return strings.ReplaceAll(u.String(), url.QueryEscape(masked), masked)
}
