package bullmq

import (
	"bytes"
	"encoding/json"
	"errors"

	"github.com/jobrunner-dev/jobrunner/internal/jsonvalid"
)

// encodeJSON writes v as JSON.stringify would: no HTML escaping, no trailing
// newline. A json.RawMessage passes through as it is once it has been checked.
func encodeJSON(v any) ([]byte, error) {
	if raw, ok := v.(json.RawMessage); ok {
		if !jsonvalid.Valid(raw) {
			return nil, errors.New("invalid JSON")
		}
		return raw, nil
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// encodeData is encodeJSON for a job's data, where BullMQ writes {} for nothing.
func encodeData(v any) ([]byte, error) {
	if v == nil {
		return []byte("{}"), nil
	}
	if raw, ok := v.(json.RawMessage); ok && len(raw) == 0 {
		return []byte("{}"), nil
	}
	return encodeJSON(v)
}
