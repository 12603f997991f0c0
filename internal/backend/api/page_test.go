package api

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAListIsReadPartByPart(t *testing.T) {
	t.Parallel()
	all := []int{1, 2, 3, 4, 5}
	var got []int
	in := PageQuery{Limit: 2}
	for parts := 1; ; parts++ {
		out, err := slicePage(in, "numbers", all)
		require.NoError(t, err)
		require.EqualValues(t, 5, *out.Body.Total)
		got = append(got, out.Body.Items...)
		if in.Cursor = out.Body.NextCursor; in.Cursor == "" {
			require.Equal(t, 3, parts)
			break
		}
	}
	require.Equal(t, all, got)
	empty, err := slicePage(PageQuery{Limit: 2}, "numbers", []int(nil))
	require.NoError(t, err)
	require.NotNil(t, empty.Body.Items)
}

func TestCursorsOfOtherListsAreRefused(t *testing.T) {
	t.Parallel()
	for _, cursor := range []string{"x", "!", cursorAt("other", 1), cursorAt("numbers", -1), cursorAt("numbers", 0)} {
		_, err := slicePage(PageQuery{Limit: 2, Cursor: cursor}, "numbers", []int{1})
		require.Error(t, err, cursor)
	}
	past, err := slicePage(PageQuery{Limit: 2, Cursor: cursorAt("numbers", 9)}, "numbers", []int{1})
	require.NoError(t, err)
	require.Empty(t, past.Body.Items)
}

func TestPointersAreWrittenAsLocations(t *testing.T) {
	t.Parallel()
	for pointer, want := range map[string]string{
		"": "", "/a": ".a", "/a/0/b": ".a[0].b", "/a~1b/~0": ".a/b.~", "/12": "[12]",
	} {
		require.Equal(t, want, dotted(pointer))
	}
}
