package redisd

import (
	"fmt"
	"strings"
)

// configText is the server's whole configuration. It goes to the child's
// standard input: arguments are readable for every user of the machine.
//
// Jobs must never be evicted, so a full memory refuses writes instead.
func configText(dir string, conn connection) string {
	return fmt.Sprintf(`bind %s
port %d
requirepass %s
dir %s
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
daemonize no
logfile ""
`, host, conn.Port, quote(conn.Password), quote(dir))
}

// quote writes a value as a quoted string of the configuration file, in which
// no byte of it can end the string or the line.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range []byte(s) {
		switch {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ':
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}
