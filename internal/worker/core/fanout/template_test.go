package fanout

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTemplatesAreFilledWithItems(t *testing.T) {
	t.Parallel()
	one := batch{index: 3, items: []json.RawMessage{json.RawMessage(`{"to":"ada","n":12345678901234567890,"tags":["x","<y>"],"a b":1}`)}}
	many := batch{index: 1, whole: true, items: []json.RawMessage{json.RawMessage(`{"n":1}`), json.RawMessage(`2`)}}
	for _, tt := range []struct {
		template string
		batch    batch
		want     string
		problem  string
	}{
		{``, one, `{"to":"ada","n":12345678901234567890,"tags":["x","<y>"],"a b":1}`, ""},
		{``, many, `{"items":[{"n":1},2]}`, ""},
		{`"{{item}}"`, one, `{"a b":1,"n":12345678901234567890,"tags":["x","<y>"],"to":"ada"}`, ""},
		{`{"a":["{{ item.n }}","{{item.tags.1}}",{"b":"{{index}}"}],"c":true}`, one, `{"a":[12345678901234567890,"<y>",{"b":3}],"c":true}`, ""},
		{`"Dear {{item.to}}, number {{index}} of {{item.tags}}"`, one, `"Dear ada, number 3 of [\"x\",\"<y>\"]"`, ""},
		{`"{{name}} {{ item }"`, one, `"{{name}} {{ item }"`, ""},
		{`{"{{item.to}}":1}`, one, `{"{{item.to}}":1}`, ""},
		{`"{{items}}"`, many, `[{"n":1},2]`, ""},
		{`"{{items.0.n}}"`, many, `1`, ""},
		{`"{{item.from}}"`, one, "", `child 3 has no "from"`},
		{`"x {{item.tags.2}}"`, one, "", `has no "2"`},
		{`"{{item.tags.1st}}"`, one, "", `has no "1st"`},
		{`"{{item.tags.-1}}"`, one, "", `has no "-1"`},
		{`"{{item.to.x}}"`, one, "", `has no "x"`},
		{`"{{item}}"`, many, "", "with a batch size there are {{items}}"},
		{`"{{index.x}}"`, one, "", "an index has no members"},
	} {
		filled, err := parseTemplate(json.RawMessage(tt.template))
		require.NoError(t, err)
		data, err := filled.fill(tt.batch)
		if tt.problem != "" {
			require.ErrorContains(t, err, tt.problem, tt.template)
			continue
		}
		require.NoError(t, err, tt.template)
		require.Equal(t, tt.want, string(data), tt.template)
	}
}

func FuzzTemplate(f *testing.F) {
	f.Add(`{"a":"{{item.b.0}}","c":"x {{index}} {{items}}"}`, `{"b":[1]}`)
	f.Add(`"{{item..}}{{item.}}"`, `[]`)
	f.Fuzz(func(t *testing.T, text, item string) {
		if !json.Valid([]byte(text)) || !json.Valid([]byte(item)) {
			return
		}
		filled, err := parseTemplate(json.RawMessage(text))
		require.NoError(t, err)
		for _, whole := range []bool{false, true} {
			data, err := filled.fill(batch{items: []json.RawMessage{json.RawMessage(item)}, whole: whole})
			if err == nil {
				require.True(t, json.Valid(data), "%s", data)
			}
		}
	})
}
