package runtime

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// eachLongLine calls f with each line of r, without its end, until r ends. Of a
// line longer than limit bytes f gets the beginning, and is told so; the line is
// valid until f returns.
func eachLongLine(r io.Reader, limit int, f func(line []byte, cut bool)) {
	lines := bufio.NewReaderSize(r, 32<<10)
	var long []byte
	for {
		line, err := lines.ReadSlice('\n')
		cut := false
		if errors.Is(err, bufio.ErrBufferFull) {
			long = append(long[:0], line...)
			for errors.Is(err, bufio.ErrBufferFull) {
				line, err = lines.ReadSlice('\n')
				if len(long) <= limit {
					long = append(long, line...)
				}
			}
			line = long
		}
		line = bytes.TrimSuffix(line, []byte("\n"))
		if len(line) > limit {
			line, cut = line[:limit], true
		}
		if len(line) > 0 {
			f(line, cut)
		}
		if err != nil {
			return
		}
	}
}
