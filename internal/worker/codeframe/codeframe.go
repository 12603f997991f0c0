// Package codeframe shows the lines around a place in a source file, and finds
// the place that a stack trace of JavaScript, Python or Go points at.
package codeframe

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
)

const (
	// around is how many lines are shown before and after the place.
	around = 2
	// maxWidth bounds a shown line, in bytes: bundles have lines of a megabyte.
	maxWidth = 160
	// maxLine bounds a line that is read at all.
	maxLine = 1 << 20
	tab     = "    "
)

// Place is where something is in a source file.
type Place struct {
	// File is the file's path.
	File string
	// Line and Column count from 1; Column is 0 if only the line is known, Line
	// is 0 if only the file is.
	Line, Column int
}

// String writes the place as editors and terminals recognize it: file:line:column.
func (p Place) String() string {
	text := p.File
	if p.Line > 0 {
		text += ":" + strconv.Itoa(p.Line)
		if p.Column > 0 {
			text += ":" + strconv.Itoa(p.Column)
		}
	}
	return text
}

// Show returns the place's line with those around it, numbered, and a mark below
// the column. It is empty if the file cannot be read or has no such line.
func Show(at Place) string {
	lines := read(at.File, at.Line-around, at.Line+around)
	if at.Line < 1 || lines[at.Line] == nil {
		return ""
	}
	width := len(strconv.Itoa(at.Line + around))
	var b strings.Builder
	for n := at.Line - around; n <= at.Line+around; n++ {
		if lines[n] == nil {
			continue
		}
		mark := " "
		if n == at.Line {
			mark = ">"
		}
		fmt.Fprintf(&b, "%s %*d | %s\n", mark, width, n, shorten(*lines[n]))
		if n == at.Line && at.Column > 0 && at.Column <= min(len(*lines[n])+1, maxWidth) {
			fmt.Fprintf(&b, "  %*s | %s^\n", width, "", blank((*lines[n])[:at.Column-1]))
		}
	}
	return b.String()
}

// read returns the lines from first to last that the file has, by number.
func read(file string, first, last int) map[int]*string {
	lines := map[int]*string{}
	f, err := os.Open(file)
	if err != nil {
		return lines
	}
	defer func() { _ = f.Close() }() // it was only read
	scanner := bufio.NewScanner(f)
	scanner.Buffer(nil, maxLine)
	for n := 1; n <= last && scanner.Scan(); n++ {
		if n >= first {
			text := strings.TrimRight(scanner.Text(), "\r")
			lines[n] = &text
		}
	}
	return lines
}

func shorten(line string) string {
	if len(line) > maxWidth {
		line = strings.ToValidUTF8(line[:maxWidth], "") + "…"
	}
	return strings.ReplaceAll(line, "\t", tab)
}

// blank is as wide as the text when it is shown.
func blank(text string) string {
	var b strings.Builder
	for _, r := range text {
		if r == '\t' {
			b.WriteString(tab)
		} else {
			b.WriteByte(' ')
		}
	}
	return b.String()
}
