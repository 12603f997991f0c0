package bullmq

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// cronField is what one place of a pattern may hold.
type cronField struct {
	name     string
	min, max int
	named    bool // months and weekdays may be given by their names
	last     bool // an L is allowed
	weekdays bool // 7 is another 0
}

var (
	cronClockFields = [3]cronField{
		{name: "second", max: 59},
		{name: "minute", max: 59},
		{name: "hour", max: 23},
	}
	cronDay     = cronField{name: "day of month", min: 1, max: 31, last: true}
	cronMonth   = cronField{name: "month", min: 1, max: 12, named: true}
	cronWeekday = cronField{name: "day of week", max: 7, named: true, last: true, weekdays: true}
)

// cronValues are the values of a field.
type cronValues struct {
	set  uint64
	last []string // those with an L, as they were written
}

// parse reads the text of a field. A wildcard is replaced within the text, as in
// cron-parser, which gives a meaning to "1*" and "*-9".
func (f *cronField) parse(text string) (cronValues, error) {
	text, err := f.replaceNames(text)
	if err != nil {
		return cronValues{}, err
	}
	if text == "" || strings.TrimLeft(withoutHashed(text), f.alphabet()) != "" {
		return cronValues{}, f.refuse(text)
	}
	if strings.ContainsAny(text, "*?") {
		all := strconv.Itoa(f.min) + "-" + strconv.Itoa(f.max)
		text = strings.ReplaceAll(strings.ReplaceAll(text, "*", all), "?", all)
	}
	if text, err = f.drawHashed(text); err != nil {
		return cronValues{}, err
	}
	var v cronValues
	for part := range strings.SplitSeq(text, ",") {
		if err := f.parsePart(part, &v); err != nil {
			return cronValues{}, err
		}
	}
	return v, nil
}

func (f *cronField) alphabet() string {
	if f.last {
		return "0123456789*?,-/L"
	}
	return "0123456789*?,-/"
}

// parsePart reads one part of a list and adds what it stands for.
func (f *cronField) parsePart(part string, v *cronValues) error {
	span, stepText, stepped := strings.Cut(part, "/")
	step := 1
	if stepped {
		var ok bool
		if step, ok = leadingInt(stepText); !ok || step == 0 || strings.Contains(stepText, "/") {
			return f.refuse(part)
		}
		if !strings.Contains(span, "-") {
			span += "-" + strconv.Itoa(f.max)
		}
	}
	bounds := strings.Split(span, "-")
	if len(bounds) == 1 {
		return f.parseSingle(span, v)
	}
	// More than two bounds come from wildcards within ranges; the rest counts for nothing.
	low, lowOK := leadingInt(bounds[0])
	high, highOK := leadingInt(bounds[1])
	if !lowOK || !highOK || low < f.min || high > f.max || low > high {
		return f.refuse(part)
	}
	var set uint64
	for value := low; value <= high; value += min(step, f.max+1) {
		set |= f.bit(value)
	}
	return f.add(set, v)
}

var lastValue = regexp.MustCompile(`^\d{0,2}L$`)

func (f *cronField) parseSingle(text string, v *cronValues) error {
	if strings.HasSuffix(text, "L") && lastValue.MatchString(text) {
		if slices.Contains(v.last, text) {
			return fmt.Errorf("%s names %s twice", f.name, text)
		}
		v.last = append(v.last, text)
		return nil
	}
	value, err := strconv.Atoi(text)
	if err != nil || value < f.min || value > f.max {
		return f.refuse(text)
	}
	return f.add(f.bit(value), v)
}

func (f *cronField) bit(value int) uint64 {
	if f.weekdays {
		value %= 7
	}
	return 1 << value
}

func (f *cronField) add(set uint64, v *cronValues) error {
	if v.set&set != 0 {
		return fmt.Errorf("%s names a value twice", f.name)
	}
	v.set |= set
	return nil
}

func (f *cronField) refuse(text string) error {
	return fmt.Errorf("%q is no %s from %d to %d", text, f.name, f.min, f.max)
}

var cronWords = map[string]string{
	"jan": "1", "feb": "2", "mar": "3", "apr": "4", "may": "5", "jun": "6",
	"jul": "7", "aug": "8", "sep": "9", "oct": "10", "nov": "11", "dec": "12",
	"sun": "0", "mon": "1", "tue": "2", "wed": "3", "thu": "4", "fri": "5", "sat": "6",
}

var threeLetters = regexp.MustCompile(`[A-Za-z]{3}`)

// replaceNames writes names as numbers. Months and weekdays may stand in for
// each other.
func (f *cronField) replaceNames(text string) (string, error) {
	if !f.named {
		return text, nil
	}
	var err error
	text = threeLetters.ReplaceAllStringFunc(text, func(word string) string {
		number, ok := cronWords[strings.ToLower(word)]
		if !ok {
			err = fmt.Errorf("%q is no name of a month or a weekday", word)
		}
		return number
	})
	return text, err
}

var errNth = errors.New("behind # goes one weekday's number in the month, 1 to 5")

// never is an occurrence that no weekday has.
const never = -1

// cutNth cuts the "#2" off a day of week. It returns 0 if there is none. The
// number is one of JavaScript's, which may have a fraction and then never comes.
func cutNth(weekday string) (string, int, error) {
	days, text, ok := strings.Cut(weekday, "#")
	if !ok {
		return weekday, 0, nil
	}
	number, err := strconv.ParseFloat(text, 64)
	if err != nil || number < 1 || number > 5 || strings.Trim(text, "0123456789.+eE") != "" || strings.ContainsAny(weekday, ",-/") {
		return "", 0, errNth
	}
	if number != math.Trunc(number) {
		return days, never, nil
	}
	return days, int(number), nil
}

// leadingInt reads the digits that text begins with. A number that is too large
// becomes a very large one.
func leadingInt(text string) (int, bool) {
	digits := len(text) - len(strings.TrimLeft(text, "0123456789"))
	if digits == 0 {
		return 0, false
	}
	n, err := strconv.Atoi(text[:digits])
	if err != nil {
		n = math.MaxInt32
	}
	return n, true
}
