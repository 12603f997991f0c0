package jsonvalid

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// samples are texts at the borders of what is JSON.
var samples = []string{
	``, ` `, `null`, `nul`, `nulll`, `true`, `false`, `truth`, ` null `, "\n[1]\r\n", `"x"`, `"x`, `"`, `x"`,
	`"\""`, `"\u00e9"`, `"\u00eg"`, `"\u00e`, `"\x"`, `"\`, "\"\t\"", "\"\x00\"", "\"\x7f\"", "\"\xff\xfe\"", `"é☃𝄞"`,
	`0`, `-0`, `00`, `01`, `-`, `-1`, `+1`, `1.`, `.5`, `1.5`, `1e5`, `1E+5`, `1e-5`, `1e`, `1e+`, `1.5e5x`, `--1`, `1 2`,
	`[]`, `[ ]`, `[1,2]`, `[1,]`, `[,1]`, `[1 2]`, `[`, `]`, `[[[]]]`, `[[]`, `{}`, `{ }`, `{"a":1}`, `{"a":1,"b":[{}]}`,
	`{"a"}`, `{"a":}`, `{"a":1,}`, `{a:1}`, `{1:1}`, `{"a":1`, `{"a":1}}`, `{"a" : 1 , "b" : 2 }`, `1,"error":{}`,
	strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth), strings.Repeat("[", maxDepth+1) + strings.Repeat("]", maxDepth+1),
}

func TestValidAgreesWithEncodingJSON(t *testing.T) {
	t.Parallel()
	for _, text := range samples {
		require.Equal(t, json.Valid([]byte(text)), Valid([]byte(text)), "%.100q", text)
	}
	// A byte of each kind at each place among eight.
	for c := range 256 {
		for at := range 17 {
			inside := []byte(strings.Repeat("a", at) + string([]byte{byte(c)}) + strings.Repeat("b", 17-at))
			text := append(append([]byte{'"'}, inside...), '"')
			require.Equal(t, json.Valid(text), Valid(text), "%q", text)
		}
	}
}

func FuzzValid(f *testing.F) {
	for _, text := range samples {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) { require.Equal(t, json.Valid(text), Valid(text), "%q", text) })
}

func BenchmarkValid(b *testing.B) {
	text := []byte(`{"text":"` + strings.Repeat("x", 1000) + `","numbers":[1,2,3.5e7],"ok":true}`)
	b.Run("ours", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			Valid(text)
		}
	})
	b.Run("encoding/json", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			json.Valid(text)
		}
	})
}
