// Package jsonvalid tells whether text is JSON, faster than encoding/json does.
// The engine and the worker look so at all data that passes through them.
package jsonvalid

import (
	"encoding/binary"
	"math/bits"
)

// maxDepth is how deep values may lie in each other, as in encoding/json.
const maxDepth = 10_000

// Valid reports whether text is one JSON value, with the same answer as
// [encoding/json.Valid] in a fraction of its time: most of what job data consists
// of is the inside of strings, which is read eight bytes at a time.
func Valid(text []byte) bool {
	end, ok := validValue(text, skipSpace(text, 0), 0)
	return ok && skipSpace(text, end) == len(text)
}

// validValue reads the value at i and returns where it ends.
func validValue(b []byte, i, depth int) (end int, ok bool) {
	if i >= len(b) {
		return i, false
	}
	switch b[i] {
	case '"':
		return validString(b, i+1)
	case '{':
		return validMembers(b, i+1, depth+1, '}')
	case '[':
		return validMembers(b, i+1, depth+1, ']')
	case 't':
		return validWord(b, i, "true")
	case 'f':
		return validWord(b, i, "false")
	case 'n':
		return validWord(b, i, "null")
	default:
		return validNumber(b, i)
	}
}

// validMembers reads what stands between brackets or braces, the last included.
func validMembers(b []byte, i, depth int, last byte) (end int, ok bool) {
	if depth > maxDepth {
		return i, false
	}
	if i = skipSpace(b, i); i < len(b) && b[i] == last {
		return i + 1, true
	}
	for {
		if last == '}' {
			if i >= len(b) || b[i] != '"' {
				return i, false
			}
			if i, ok = validString(b, i+1); !ok {
				return i, false
			}
			if i = skipSpace(b, i); i >= len(b) || b[i] != ':' {
				return i, false
			}
			i = skipSpace(b, i+1)
		}
		if i, ok = validValue(b, i, depth); !ok {
			return i, false
		}
		if i = skipSpace(b, i); i >= len(b) {
			return i, false
		}
		switch b[i] {
		case last:
			return i + 1, true
		case ',':
			i = skipSpace(b, i+1)
		default:
			return i, false
		}
	}
}

// validString reads a string from behind its first quote.
func validString(b []byte, i int) (end int, ok bool) {
	for {
		i = skipPlain(b, i)
		if i >= len(b) {
			return i, false
		}
		switch c := b[i]; {
		case c == '"':
			return i + 1, true
		case c < ' ':
			return i, false
		case c == '\\':
			if i, ok = validEscape(b, i+1); !ok {
				return i, false
			}
		default:
			i++
		}
	}
}

// skipPlain skips bytes of a string by eights, up to eight that hold a quote, a
// backslash or a control character.
func skipPlain(b []byte, i int) int {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	for ; i+8 <= len(b); i += 8 {
		word := binary.LittleEndian.Uint64(b[i:])
		// A byte of each of these is zero, or below the space, where its high bit
		// gets set; a high bit of the text's own says nothing.
		quote, slash := word^(ones*'"'), word^(ones*'\\')
		found := ((word - ones*' ') | (quote - ones) | (slash - ones)) &^ word & highs
		if found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
	}
	return i
}

// validEscape reads what follows a backslash.
func validEscape(b []byte, i int) (end int, ok bool) {
	if i >= len(b) {
		return i, false
	}
	switch b[i] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 1, true
	case 'u':
		if i+5 > len(b) {
			return i, false
		}
		for _, c := range b[i+1 : i+5] {
			if (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'f') {
				return i, false
			}
		}
		return i + 5, true
	}
	return i, false
}

func validWord(b []byte, i int, word string) (end int, ok bool) {
	end = i + len(word)
	return end, end <= len(b) && string(b[i:end]) == word
}

// validNumber reads a number: a minus sign, digits without a zero in front of
// others, a fraction, an exponent.
func validNumber(b []byte, i int) (end int, ok bool) {
	if i < len(b) && b[i] == '-' {
		i++
	}
	if i < len(b) && b[i] == '0' {
		i++
	} else if i, ok = digits(b, i); !ok {
		return i, false
	}
	if i < len(b) && b[i] == '.' {
		if i, ok = digits(b, i+1); !ok {
			return i, false
		}
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		if i++; i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		return digits(b, i)
	}
	return i, true
}

// digits reads one digit or more.
func digits(b []byte, i int) (end int, ok bool) {
	start := i
	for i < len(b) && b[i] >= '0' && b[i] <= '9' {
		i++
	}
	return i, i > start
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}
