package bullmq

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// jsonOf is a type that reads and writes JSON.
type jsonOf[T any] interface {
	*T
	json.Unmarshaler
}

// fuzzRoundTrip checks of a type that what it has read once, it writes so that
// it reads the same again.
func fuzzRoundTrip[T any, P jsonOf[T]](f *testing.F, seeds ...string) {
	f.Helper()
	for _, seed := range seeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var first T
		if json.Unmarshal(text, P(&first)) != nil {
			return
		}
		written, err := json.Marshal(first)
		require.NoError(t, err)
		var second T
		require.NoError(t, json.Unmarshal(written, P(&second)), "%s", written)
		again, err := json.Marshal(second)
		require.NoError(t, err)
		require.JSONEq(t, string(written), string(again))
	})
}

func FuzzKeep(f *testing.F) {
	fuzzRoundTrip[Keep](f, `true`, `false`, `5`, `-1`, `1.5`, `1e300`, `{"age":60}`, `{"age":1e300,"count":0,"limit":-1}`, `{"count":-7}`, `[]`)
}

func FuzzBackoff(f *testing.F) {
	fuzzRoundTrip[Backoff](f, `1000`, `-1`, `1e300`, `{"type":"fixed","delay":250}`, `{"type":"own","jitter":2}`, `{"delay":1.5}`, `{"type":5}`)
}

func FuzzDeduplication(f *testing.F) {
	fuzzRoundTrip[Deduplication](f, `{"id":"a"}`, `{"id":"a","ttl":5000,"extend":true}`, `{"id":":","replace":true,"keepLastIfActive":true}`,
		`{"ttl":1e300}`, `{"ttl":-5,"reschedule":true}`, `{"id":5}`)
}

func FuzzRepeatOptions(f *testing.F) {
	fuzzRoundTrip[RepeatOptions](f, `{"every":5000}`, `{"pattern":"* * * * *","tz":"UTC","limit":3}`, `{"startDate":1700000000000,"endDate":"2030-01-01T00:00:00.000Z"}`,
		`{"every":1e300}`, `{"startDate":"never"}`, `{"offset":-1,"count":7}`, `{"endDate":-62135596800000}`, `{"startDate":1e16}`)
}

func FuzzStoredOptions(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"attempts":3,"backoff":{"type":"fixed","delay":5}}`, `{"de":{"id":"x","ttl":5},"fpof":true,"kl":3}`,
		`{"tm":"t","omc":true}`, `{"telemetry":{"metadata":"t"}}`, `{"removeOnFail":{"age":1.5}}`, `{"repeat":{"every":5},"prevMillis":1}`,
		`{"delay":1.5,"timestamp":-1}`, `{"priority":2.5}`, `{"attempts":1e300}`, `{"parent":{"id":"p","queue":"bull:q"}}`, `{"jobId":5}`, `{"x":[{}],"":null}`, `{"":1e1000}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		first, err := decodeOptions(string(text))
		if err != nil {
			return
		}
		for _, form := range []optionsForm{publicForm, storedForm, jobForm} {
			written, err := first.encode(form)
			require.NoError(t, err)
			second, err := decodeOptions(string(written))
			require.NoError(t, err, "%s", written)
			again, err := second.encode(form)
			require.NoError(t, err)
			require.Equal(t, string(written), string(again))
		}
		// What was decoded last is remembered; changes of one copy are not.
		first.Extra = map[string]json.RawMessage{"changed": nil}
		_, err = decodeOptions(string(text))
		require.NoError(t, err)
	})
}
