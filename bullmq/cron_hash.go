package bullmq

import (
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
)

// hashed matches H, H(low-high), H/step and H(low-high)/step.
var hashed = regexp.MustCompile(`H(?:\((\d+)-(\d+)\))?(?:/(\d+))?`)

// withoutHashed returns what of a field is something else.
func withoutHashed(text string) string {
	if !strings.Contains(text, "H") {
		return text
	}
	return hashed.ReplaceAllString(text, "")
}

// drawHashed replaces each H by a value, or each step from it, that is drawn at
// random. One field draws once, so that all of it moves together. BullMQ gives
// its parser no seed, so that Node draws anew with each run as well.
func (f *cronField) drawHashed(text string) (string, error) {
	if !strings.Contains(text, "H") {
		return text, nil
	}
	draw := rand.Float64() //nolint:gosec // it spreads load, it guards nothing
	var err error
	text = hashed.ReplaceAllStringFunc(text, func(match string) string {
		values, e := f.hashedValues(match, draw)
		if e != nil {
			err = e
		}
		return values
	})
	return text, err
}

func (f *cronField) hashedValues(match string, draw float64) (string, error) {
	groups := hashed.FindStringSubmatch(match)
	low, high := f.min, f.max
	if groups[1] != "" {
		from, _ := leadingInt(groups[1])
		to, _ := leadingInt(groups[2])
		if low, high = max(low, from), min(high, to); from > to || low > high {
			return "", f.refuse(match)
		}
	}
	one := strconv.Itoa(low + int(draw*float64(high-low+1)))
	if groups[3] == "" {
		return one, nil
	}
	step, _ := leadingInt(groups[3])
	if step == 0 {
		return "", f.refuse(match)
	}
	var values []string
	for value := low/step*step + int(draw*float64(step)); value <= high; value += step {
		if value >= low {
			values = append(values, strconv.Itoa(value))
		}
	}
	if len(values) == 0 {
		return one, nil
	}
	return strings.Join(values, ","), nil
}
