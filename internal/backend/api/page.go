package api

import (
	"encoding/base64"
	"strconv"
	"strings"

	"github.com/jobrunner-dev/jobrunner/internal/backend/problem"
)

// Page is one part of a list.
type Page[T any] struct {
	Items      []T    `json:"items"`
	NextCursor string `json:"nextCursor,omitempty" doc:"Give it as cursor to get the next part; absent on the last one"`
	Total      *int64 `json:"total,omitempty" doc:"How many items there are in all, where that is known"`
}

// PageQuery is the place in a list that a caller asks for: the parameters of every list.
type PageQuery struct {
	Cursor string `query:"cursor" maxLength:"200" doc:"The nextCursor of the part before"`
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"How many items to return at most"`
}

// pageOutput is the answer of a list.
type pageOutput[T any] struct {
	Body Page[T]
}

// offset reads a cursor that stands for a place in the list called kind.
func (p PageQuery) offset(kind string) (int64, error) {
	if p.Cursor == "" {
		return 0, nil
	}
	text, err := base64.RawURLEncoding.DecodeString(p.Cursor)
	if err == nil {
		if place, ok := strings.CutPrefix(string(text), kind+"@"); ok {
			if n, err := strconv.ParseInt(place, 10, 64); err == nil && n > 0 {
				return n, nil
			}
		}
	}
	return 0, problem.Field(422, "invalid_cursor", "query.cursor", "The cursor is not one that this list gave; start without one.")
}

func cursorAt(kind string, place int64) string {
	return base64.RawURLEncoding.EncodeToString([]byte(kind + "@" + strconv.FormatInt(place, 10)))
}

// slicePage cuts a part out of a list that is in memory as a whole.
func slicePage[T any](in PageQuery, kind string, all []T) (*pageOutput[T], error) {
	from, err := in.offset(kind)
	if err != nil {
		return nil, err
	}
	total := int64(len(all))
	from = min(from, total)
	to := min(from+int64(in.Limit), total)
	return partOf(append([]T{}, all[from:to]...), kind, from, total), nil
}

// partOf answers with the items of a list of total items that begin at from.
func partOf[T any](items []T, kind string, from, total int64) *pageOutput[T] {
	out := &pageOutput[T]{Body: Page[T]{Items: items, Total: &total}}
	if to := from + int64(len(items)); len(items) > 0 && to < total {
		out.Body.NextCursor = cursorAt(kind, to)
	}
	return out
}
