package config

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/knadh/koanf/v2"
)

// decode turns each value, text from the environment or typed from the file,
// into the type of its setting, and all of them into a [Config].
func decode(k *koanf.Koanf, into *Config) error {
	typed := koanf.New(delim)
	var all error
	for _, s := range Settings() {
		value, err := convert(k.Get(s.Name), s.Default)
		if err == nil {
			err = typed.Set(s.Name, value)
		} else {
			value = s.Default
			all = errors.Join(all, &InvalidError{Setting: s.Name, Reason: err.Error()})
			err = typed.Set(s.Name, value)
		}
		if err != nil {
			return err
		}
	}
	return errors.Join(all, typed.Unmarshal("", into))
}

// convert returns value in the type of like. Its errors never repeat a value
// that should be text, which may be a secret.
func convert(value, like any) (any, error) {
	switch like.(type) {
	case string:
		return toString(value)
	case bool:
		if text, ok := value.(string); ok {
			return strconv.ParseBool(text)
		}
		return as[bool](value, "true or false")
	case int64:
		if text, ok := value.(string); ok {
			return strconv.ParseInt(text, 10, 64)
		}
		if number, ok := value.(int); ok {
			return int64(number), nil
		}
		return as[int64](value, "a whole number")
	case time.Duration:
		if text, ok := value.(string); ok {
			return time.ParseDuration(text)
		}
		return as[time.Duration](value, "a duration such as 30s")
	case []string:
		return toStrings(value)
	default:
		return nil, fmt.Errorf("settings of type %T are not known", like)
	}
}

func as[T any](value any, what string) (T, error) {
	t, ok := value.(T)
	if !ok {
		return t, fmt.Errorf("must be %s, not a value of type %T", what, value)
	}
	return t, nil
}

// toString also takes the numbers that YAML makes of text such as 8080.
func toString(value any) (string, error) {
	switch value := value.(type) {
	case string:
		return value, nil
	case int:
		return strconv.Itoa(value), nil
	default:
		return "", fmt.Errorf("must be text, not a value of type %T", value)
	}
}

// toStrings also takes a single text for a list of one.
func toStrings(value any) ([]string, error) {
	switch value := value.(type) {
	case []string:
		return value, nil
	case []any:
		list := make([]string, len(value))
		for i, item := range value {
			text, err := toString(item)
			if err != nil {
				return nil, err
			}
			list[i] = text
		}
		return list, nil
	default:
		text, err := toString(value)
		return []string{text}, err
	}
}
