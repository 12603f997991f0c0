package flow

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPlaceholdersBecomeValues(t *testing.T) {
	t.Parallel()
	values := map[string]json.RawMessage{
		"text": json.RawMessage(`"a\"b"`), "n": json.RawMessage(`12345678901234567890`), "list": json.RawMessage(`[1,{"x":null}]`),
	}
	for data, want := range map[string]string{
		`"{{text}}"`:                     `"a\"b"`,
		`"{{n}}"`:                        `12345678901234567890`,
		`"{{ list }}"`:                   `[1,{"x":null}]`,
		`"<{{text}}> {{n}} {{list}}"`:    `"<a\"b> 12345678901234567890 [1,{\"x\":null}]"`,
		`"{{other}} {text} {{te xt}}"`:   `"{{other}} {text} {{te xt}}"`,
		`{"{{text}}":["{{n}}",1.50,{}]}`: `{"{{text}}":[12345678901234567890,1.50,{}]}`,
		`null`:                           `null`,
		`98765432109876543210`:           `98765432109876543210`,
	} {
		n, err := Node{Data: json.RawMessage(data)}.fill(values)
		require.NoError(t, err)
		require.Equal(t, want, string(n.Data), data)
	}
}

func TestFillingLeavesTheDefinitionAsItIs(t *testing.T) {
	t.Parallel()
	n := Node{Data: json.RawMessage(`"{{a}}"`), Children: []Node{{Data: json.RawMessage(`["{{a}}"]`)}, {}}}
	filled, err := n.fill(map[string]json.RawMessage{"a": json.RawMessage("1")})
	require.NoError(t, err)
	require.Equal(t, `[1]`, string(filled.Children[0].Data))
	require.Nil(t, filled.Children[1].Data)
	require.Equal(t, `["{{a}}"]`, string(n.Children[0].Data))
}
